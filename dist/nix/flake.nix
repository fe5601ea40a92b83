# SPDX-License-Identifier: GPL-2.0
# Use it with the whole source tree: git+file:///PATH/vhost-tap?dir=dist/nix
{
  description = "Faster vhost-net for virtual machines on tap devices";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      nixosModules.default = import ./module.nix;
      packages.x86_64-linux = {
        # for the default kernel of nixpkgs; the NixOS module builds for the host's kernel
        vhost-tap = pkgs.linuxPackages.callPackage ./package.nix { };
        vhost-tapctl = pkgs.callPackage ./vhost-tapctl.nix { };
      };
    };
}
