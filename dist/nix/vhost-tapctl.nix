# SPDX-License-Identifier: GPL-2.0
# The command line tool: pkgs.callPackage ./vhost-tapctl.nix { }
{ lib, stdenv, pkg-config, libmnl, json_c, ncurses, python3 }:

stdenv.mkDerivation {
  pname = "vhost-tapctl";
  version = builtins.head (builtins.match ".*PACKAGE_VERSION=\"([0-9.]+)\".*" (builtins.readFile ../../dkms.conf));
  src = lib.cleanSource ../..;

  nativeBuildInputs = [ pkg-config ];
  # The benchmark's program in the guests is linked statically.
  buildInputs = [ libmnl json_c ncurses python3 stdenv.cc.libc.static ];
  makeFlags = [ "-C" "tools/vhost-tapctl" "prefix=$(out)" ];

  meta = {
    description = "Administration tool for vhost-tap devices";
    license = lib.licenses.gpl2Only;
    platforms = [ "x86_64-linux" ];
    mainProgram = "vhost-tapctl";
  };
}
