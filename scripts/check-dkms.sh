#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check-dkms.sh [VER] - make dkms-install and dkms-remove in a clean Debian root
#
# A bookworm root with Debian's dkms is made once (cached); each run writes into
# an overlay over it.  The headers are those scripts/kernels unpacked, at their
# own path.  TAP.  6.1 or 6.12: bookworm's compiler built those.

set -u
cd "$(dirname "$0")/.." || exit 1
ver=${1:-6.12}
cache=${VTAP_CACHE:-$HOME/.cache/vhost-tap}
base=$cache/dkms-root
mirror=${VTAP_MIRROR:-http://deb.debian.org}

case $ver in 6.*) ;; *) echo "1..0 # SKIP DKMS is tried on 6.1 and 6.12, not on $ver"; exit 0 ;; esac
scripts/kernels fetch "$ver" headers || exit 1
kdir=$(scripts/kernels path "$ver" kdir)
release=$(basename "$kdir")
release=${release#linux-headers-}

if [ ! -e "$base/.done" ]; then
	rm -rf "$base" "$base.new"
	echo "# making a bookworm root with dkms, once"
	mmdebstrap --quiet --variant=apt --mode=root \
		--include=dkms,make,gcc,gcc-12,libc6-dev,libelf1,kmod,xz-utils,pahole \
		--dpkgopt='path-exclude=/usr/share/{doc,man,locale}/*' \
		bookworm "$base.new" \
		"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror/debian bookworm main" \
		>"$cache/dkms-root.log" 2>&1 || {
		tail -n 20 "$cache/dkms-root.log"
		exit 1
	}
	touch "$base.new/.done"
	mv "$base.new" "$base"
fi

# Everything below happens in a mount name space that goes with the shell.
inside=$(mktemp -d)
trap 'rmdir "$inside"' EXIT
unshare -m --propagation private bash -s "$inside" "$base" "$PWD" "$cache/kernels" "$kdir" "$release" <<'EOT'
set -u
root=$1/root base=$2 project=$3 kernels=$4 kdir=$5 release=$6
mount -t tmpfs -o size=2g tmpfs "$1" || exit 1
mkdir "$1"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=$base,upperdir=$1/upper,workdir=$1/work" "$root" || exit 1
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for dir in "$project" "$kernels"; do
	mkdir -p "$root$dir"
	mount --bind -o ro "$dir" "$root$dir"
	mount -o remount,bind,ro "$root$dir"
done
mkdir -p "$root/lib/modules/$release"
ln -s "$kdir" "$root/lib/modules/$release/build"

run() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C bash -c "cd $project && $1"; }
n=0 failed=0
t() {	# NAME COMMAND: in the root
	local out
	n=$((n + 1))
	if out=$(run "$2" 2>&1); then
		echo "ok $n $1"
	else
		sed 's/^/# /' <<<"$out"
		echo "not ok $n $1"
		failed=1
	fi
}

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
echo "TAP version 13"
t "dkms.conf takes 6.1 and newer, refuses older" '. ./dkms.conf
	for r in 6.1.0-56-amd64 6.12.117+deb12-amd64 6.18.44 7.2.12+deb13-amd64 7.10.1 7.3-rc1; do
		[[ $r =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "refuses $r"; exit 1; }
	done
	for r in 5.10.0-30-amd64 6.0.3 4.19.0; do
		[[ ! $r =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "takes $r"; exit 1; }
	done'
t "make dkms-install on $release" "make dkms-install DKMS_FLAGS='-k $release'"
t "dkms status says installed" "dkms status vhost-tap/$version -k $release | tee /dev/stderr | grep -q ': installed'"
t "modinfo finds it, built for $release" "modinfo -k $release -F vermagic vhost_tap | tee /dev/stderr | grep -q '^$release '"
t "udev rule and modules-load file are there" "test -s /usr/lib/udev/rules.d/60-vhost-tap.rules -a -s /usr/lib/modules-load.d/vhost-tap.conf"
t "make dkms-install again, over itself" "make dkms-install DKMS_FLAGS='-k $release'"
t "make dkms-remove" "make dkms-remove"
t "nothing is left" "! dkms status vhost-tap | grep . &&
	! find /lib/modules /usr/lib/udev /usr/lib/modules-load.d /usr/src /var/lib/dkms -name '*vhost?tap*' | grep ."
echo "1..$n"
exit $failed
EOT
