# SPDX-License-Identifier: GPL-2.0
# NixOS options: services.vhost-tap.enable and services.vhost-tap.takeover
{ config, lib, pkgs, ... }:

let
  cfg = config.services.vhost-tap;
  module = config.boot.kernelPackages.callPackage ./package.nix { };
in
{
  options.services.vhost-tap = {
    enable = lib.mkEnableOption "the kernel module vhost_tap and vhost-tapctl";
    takeover = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Be /dev/vhost-net as well, in place of in-tree vhost-net.";
    };
  };

  config = lib.mkIf cfg.enable {
    boot.extraModulePackages = [ module ];
    boot.kernelModules = [ "tun" "tap" "vhost_tap" ];
    services.udev.packages = [ module ];
    users.groups.kvm = { };
    environment.systemPackages = [ (pkgs.callPackage ./vhost-tapctl.nix { }) ];

    # The lines of "vhost-tapctl takeover on --persist --dry-run".
    boot.extraModprobeConfig = lib.mkIf cfg.takeover ''
      options vhost_tap takeover=1
      alias devname:vhost-net vhost_tap
      alias char-major-10-238 vhost_tap
      blacklist vhost_net
      install vhost_net modprobe vhost_tap
    '';
  };
}
