# SPDX-License-Identifier: GPL-2.0
# The module for one kernel, with its udev rule and manual page:
#   config.boot.kernelPackages.callPackage ./package.nix { }
{ lib, stdenv, kernel, kernelModuleMakeFlags ? [ ] }:

let
  conf = builtins.readFile ../../dkms.conf;
  kdir = "${kernel.dev}/lib/modules/${kernel.modDirVersion}/build";
in
stdenv.mkDerivation {
  pname = "vhost-tap";
  version = builtins.head (builtins.match ".*PACKAGE_VERSION=\"([0-9.]+)\".*" conf);
  src = lib.cleanSource ../..;

  nativeBuildInputs = kernel.moduleBuildDependencies;
  hardeningDisable = [ "pic" "format" ];
  enableParallelBuilding = true;
  makeFlags = kernelModuleMakeFlags ++ [ "KDIR=${kdir}" ];
  buildFlags = [ "modules" ];

  # "make install" would also run depmod for the build machine.
  installPhase = ''
    runHook preInstall
    make -C ${kdir} M=$PWD INSTALL_MOD_PATH=$out ${toString kernelModuleMakeFlags} modules_install
    make install-host UDEVDIR=$out/lib/udev/rules.d MODLOADDIR=$out/lib/modules-load.d \
      SYSUSERSDIR=$out/lib/sysusers.d MANDIR=$out/share/man
    runHook postInstall
  '';

  meta = {
    description = "Faster vhost-net for virtual machines on tap devices";
    license = lib.licenses.gpl2Only;
    platforms = [ "x86_64-linux" ];
  };
}
