# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shell functions of check-dkms and check-deb: clean Debian systems for installations.
#
# make_root SUITE creates one in the cache, once. bookworm has the packages of kernels
# 6.1 and 6.12, trixie those of 7.2 and 7.3. The headers of the first kernel are
# installed; those of the second wait in apt's archive folder for a kernel upgrade.
# with_root runs commands in an overlay over it, without a network.

cache=${VTAP_CACHE:-$HOME/.cache/vhost-tap}
mirror=${VTAP_MIRROR:-http://deb.debian.org}

# Print the suite of kernel $1, and both kernels of suite $1.
suite_of() { case $1 in 6.*) echo bookworm ;; *) echo trixie ;; esac; }
kernels_of() { case $1 in bookworm) echo 6.1 6.12 ;; *) echo 7.2 7.3 ;; esac; }

# Print uname -r of the generic kernel $1.
release_of() {
	local kdir
	kdir=$(scripts/kernels path "$1" kdir) || return 1
	kdir=${kdir##*/}
	echo "${kdir#linux-headers-}"
}

# Create the root again if the cache has newer kernels or the list of packages changed.
make_root() {
	local suite=$1 dir=$cache/packages/$1 first second what key
	local include=dkms,libc6-dev,openssl,udev,systemd,initramfs-tools,libmnl0,libjson-c5,libncursesw6
	read -r first second < <(kernels_of "$suite")
	scripts/kernels fetch "$first" headers && scripts/kernels fetch "$second" headers || return 1
	first=$(release_of "$first") second=$(release_of "$second")
	what="$first $second $include"
	mkdir -p "$cache/packages"
	exec 4>"$dir.lock"
	flock 4
	if [[ $(cat "$dir/.done" 2>/dev/null) == "$what" ]]; then
		flock -u 4
		return 0
	fi
	echo "# creating a $suite root with dkms and the headers of $first and $second, once"
	rm -rf "$dir" "$dir.new"
	key=signed-by=/usr/share/keyrings/debian-archive-keyring.gpg
	# mmdebstrap sets the hook's variables.
	# shellcheck disable=SC2016
	APT_CONFIG='' mmdebstrap --quiet --variant=apt --mode=root \
		--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$include,linux-headers-$first" \
		--customize-hook='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q -y --download-only install linux-headers-'"$second" \
		--skip=cleanup/apt/lists --skip=cleanup/apt/cache \
		"$suite" "$dir.new" \
		"deb [$key] $mirror/debian $suite main" "deb [$key] $mirror/debian $suite-backports main" \
		"deb [$key] $mirror/debian-security $suite-security main" \
		>"$dir.log" 2>&1 4>&- || {
		tail -n 20 "$dir.log" | sed 's/^/# /'
		return 1
	}
	echo "$what" >"$dir.new/.done"
	mv "$dir.new" "$dir"
	flock -u 4
}

# enter_root SUITE UPPER: mount the root of SUITE at $root, with its changes in the folder
# UPPER, and this project at its own path. The caller provides the mount namespace.
enter_root() {
	root=$2/root
	mkdir -p "$2"/{upper,work,root}
	mount -t overlay overlay -o "lowerdir=$cache/packages/$1,upperdir=$2/upper,workdir=$2/work" "$root" &&
		mount -t proc proc "$root/proc" && mount -t sysfs -o ro sysfs "$root/sys" &&
		mount --rbind /dev "$root/dev" && mkdir -p "$root$PWD" &&
		mount --bind "$PWD" "$root$PWD" && mount -o remount,bind,ro "$root$PWD" || exit 1
	# A chroot must not start services.
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
}

in_root() {
	chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
		DEBIAN_FRONTEND=noninteractive bash -c "cd $PWD && $1"
}

# ---- TAP ----

tap_n=0 tap_bad=0

# Run the test $1, which is the command $2 in the root.
t() {
	local out
	tap_n=$((tap_n + 1))
	if out=$(in_root "$2" 2>&1 </dev/null); then
		echo "ok $tap_n $1"
	else
		tail -n 25 <<<"$out" | sed 's/^/# /'
		echo "not ok $tap_n $1"
		tap_bad=$((tap_bad + 1))
	fi
}

tap_end() {
	echo "1..$tap_n"
	[[ $tap_bad == 0 && $tap_n != 0 ]]
	exit
}
