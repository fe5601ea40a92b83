# SPDX-License-Identifier: GPL-2.0
# vhost-tap: targets for users and for CI. The kernel's build reads Kbuild.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

# The kernel to build for: a build directory (`make`), or a short name that
# scripts/kernels fetches (all test targets).
KDIR  ?= /lib/modules/$(shell uname -r)/build
KVER  ?= 6.12
KVERS ?= 5.10 6.1 6.12 7.2 7.3
# Flavors and other architectures, for make matrix-all. Debian's archive does not have all
# of them at all times. "6.12:gcc-15" is compiled by that compiler.
KVERS_ALL ?= $(foreach v,6.1 6.12 7.2 7.3,$v $v-rt-amd64 $v-cloud-amd64 $v-arm64) \
	5.10 5.10-rt-amd64 5.10-cloud-amd64 \
	$(foreach a,powerpc64le s390x riscv64,6.12-$a 7.2-$a 7.3-$a) \
	$(foreach n,13 14 15 16,6.12:gcc-$n) 7.3:gcc-15 7.3:gcc-16

# Where `make install` puts files. DESTDIR precedes each of these paths.
INSTALL_MOD_PATH ?=
UDEVDIR          ?= /usr/lib/udev/rules.d
MODLOADDIR       ?= /usr/lib/modules-load.d
SYSUSERSDIR      ?= /usr/lib/sysusers.d
MANDIR           ?= /usr/share/man
UNITDIR          ?= /usr/lib/systemd/system
AADIR             = /etc/apparmor.d
prefix           ?= /usr/local

# The kernel's build refuses paths with a space or a colon, and make itself those
# with a space. Without this test, both fail with a misleading error.
$(foreach v,CURDIR KDIR DESTDIR INSTALL_MOD_PATH HOME VTAP_CACHE UDEVDIR MODLOADDIR SYSUSERSDIR \
	MANDIR UNITDIR prefix,$(if $(word 2,$(subst :, ,x$($v))),$(error \
	$v is "$($v)": the build refuses paths with a space or a colon, use another folder)))

TIME ?= 60

QEMU_TESTS := tools/testing/qemu
KSELFTESTS := tools/testing/selftests/vhost_tap
USER_TESTS := tools/testing/user

# The selftests that receive packets, for a module that can only use recvmsg.
RECVMSG_TESTS := data_test backend_test rx_device_test notify_test live_test lifecycle_test \
	iotlb_data_test packed_test stats_test

# Build products next to the sources, as a find expression.
built = \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
	-o -name '.*.d' -o -name modules.order -o -name 'vtap_kcompat.h*' \)

# A kernel built with clang needs modules built with clang, because gcc has other
# flags. KDIR's configuration names the compiler. It may have a suffix ("clang-19").
kconfig = $(firstword $(wildcard $(KDIR)/include/config/auto.conf $(KDIR)/.config))
kconfig_has = $(and $(kconfig),$(shell grep -x '$(1)' $(kconfig)))
clang_suffix = $(if $(shell command -v clang),,$(shell sed -n \
	's/^CONFIG_CLANG_VERSION=\([0-9]*\)[0-9]\{4\}$$/-\1/p' $(kconfig)))
clang_flags = $(if $(call kconfig_has,CONFIG_LD_IS_LLD=y),LLVM=$(or $(clang_suffix),1),CC=clang$(clang_suffix))
toolchain = $(if $(LLVM)$(filter command environment,$(origin CC)),,$(if \
	$(call kconfig_has,CONFIG_CC_IS_CLANG=y),$(clang_flags)))

kbuild  = $(MAKE) -C $(KDIR) M=$(CURDIR) $(toolchain)

.PHONY: modules
modules: need-kdir	## build vhost_tap.ko for the running kernel, or KDIR=dir (plain `make` too)
	+$(kbuild) modules
	@echo "built: drivers/vhost_tap/vhost_tap.ko"

.PHONY: need-kdir
need-kdir:
	@test -e "$(KDIR)/Makefile" || { \
	echo "No kernel build directory at $(KDIR)."; \
	echo "  for this kernel:  apt-get install linux-headers-$$(uname -r)   (or your distribution's kernel-devel)"; \
	echo "  for another one:  make KDIR=/path/to/its/build/directory"; \
	echo "  for none at all:  make matrix   (fetches Debian's headers for $(KVERS) and builds for each)"; \
	exit 1; } >&2

# ---- try and test ----

.PHONY: demo
demo: $(if $(filter 1,$(HOST)),modules,vm-module)	## boot a guest on /dev/vhost-tap in a VM and show packets; HOST=1 uses this machine
	@$(QEMU_TESTS)/demo $(if $(filter 1,$(HOST)),--host,--kver $(KVER))

.PHONY: check
check:	## all tests that gate a change, on one kernel (KVER=6.12), about 25 minutes; scripts/check --list names them
	@scripts/check --kver $(KVER)

.PHONY: check-all
check-all:	## check on every kernel, and DPDK, DKMS and the long QEMU run
	@scripts/check --all

.PHONY: style
style:	## static checks: checkpatch, sparse, shellcheck, layers, indirect calls, layout, size
	@scripts/deps style
	@scripts/style

.PHONY: check-unit
check-unit:	## ring/ in user space: unit tests (ASan+UBSan), litmus, races (TSan), a short fuzz; TEST=part of a name
	@scripts/deps unit ctl
	@$(MAKE) --no-print-directory -C $(USER_TESTS) $(if $(TEST),unit CASE="$(TEST)",check)

.PHONY: check-models
check-models:	## models of wake-ups, notifications and the life of workers, checked by Spin; TEST=model
	@scripts/deps models
	@tools/testing/models/check.py $(TEST)

.PHONY: check-kunit
check-kunit:	## the same unit tests as KUnit suites, in a UML kernel with KASAN and lockdep; TEST=suite[.case]
	@tools/testing/kunit/check-kunit $(TEST)

.PHONY: fuzz
fuzz:	## libFuzzer on ring/, TIME=60 seconds for each target
	@scripts/deps unit
	@$(MAKE) --no-print-directory -C $(USER_TESTS) fuzz TIME=$(TIME)

.PHONY: fuzz-kernel
fuzz-kernel:	## fuzz the whole module in a UML kernel, guided by coverage, TIME=600 seconds
	@scripts/deps unit
	@tools/testing/fuzz-kernel/fuzz-kernel --time $(if $(filter file,$(origin TIME)),600,$(TIME))

.PHONY: soak
soak:	## use the module in all ways at once, in a UML kernel with two CPUs and all checks, TIME=60 seconds, SEED=
	@scripts/deps ctl
	@tools/testing/soak/soak --time $(TIME) $(addprefix --seed ,$(SEED))

.PHONY: matrix
matrix:	## build for 5.10, 6.1, 6.12, 7.2 and 7.3 (KVERS=), warnings are errors
	@scripts/deps build
	@scripts/check-matrix.sh $(KVERS)

# Upstream kernels that Debian does not have, each on the nearest one that it has.
PROBES = 5.13@6.1 5.15@6.1 6.0@6.1 6.6@6.1 6.7@6.1 6.9@6.1 6.11@6.12 6.16@6.12 $(KVERS:%=old@%)
.PHONY: check-probes
check-probes:	## build as on kernels between those of matrix, such as 5.15 and 6.8, by forcing probes (PROBES=)
	@scripts/deps build
	@scripts/check-matrix.sh $(PROBES)

# Kernels that Debian has images of, but no headers, on the nearest one with headers.
IMAGES = 6.16@6.12 6.17@7.2 6.18@7.2 6.19@7.2 7.0@7.2 7.1@7.2 6.12 7.2
.PHONY: check-btf
check-btf:	## compare the names that the module uses with images of 6.16 to 7.1, which have no headers (IMAGES=)
	@scripts/deps build btf
	@scripts/check-btf $(IMAGES)

.PHONY: matrix-all
matrix-all:	## build for flavors and other architectures (KVERS_ALL=), an hour
	@scripts/deps build
	@scripts/check-matrix.sh --results Documentation/kernels.txt $(KVERS_ALL)

# Build the module and fetch the kernel for a VM of KVER; silent unless it fails.
.PHONY: vm-module
vm-module:
	@scripts/deps build vm
	@mkdir -p build/logs
	@scripts/kernels fetch $(KVER) headers image $(if $(findstring -,$(KVER)),,cloud)
	@scripts/kernels build $(KVER) -j$$(nproc) >build/logs/vm-build-$(KVER).log 2>&1 || \
		{ tail -n 20 build/logs/vm-build-$(KVER).log; exit 1; }

# TEST selects programs or single cases: "rx_direct_test workers_test:case". Some
# programs need two CPUs on two NUMA nodes; a second VM runs them.
smp_tests = polling_test burst_test numa_test
is_smp = $(filter $(smp_tests),$(firstword $(subst :, ,$(1))))
# The word "all" selects the programs of the first VM, as run.sh lists them.
vm_tests = $(strip $(if $(TEST),$(foreach t,$(TEST),$(if $(call is_smp,$t),,$t)),all))
vm_smp_tests = $(strip $(if $(TEST),$(foreach t,$(TEST),$(if $(call is_smp,$t),$t)),$(smp_tests)))

# A VM of another architecture needs programs of its own, and more time. It always has two
# CPUs. QEMU's s390x has no NUMA nodes.
vm_nodes = --nodes
vm_limit = 1800
vm_smp_limit = 600
vm_arch := $(filter arm64 s390x,$(lastword $(subst -, ,$(KVER))))
ifneq ($(vm_arch),)
vm_cpus = --smp 2
vm_nodes := $(if $(filter arm64,$(vm_arch)),--nodes)
vm_limit = 5400
vm_smp_limit = 1200
kselftests_bin = $(CURDIR)/build/selftests-$(vm_arch)
# The root of s390x may have an older libc than this machine's compiler for it.
kselftests_args = OUTPUT=$(kselftests_bin) CC=$(vm_arch:arm64=aarch64)-linux-gnu-gcc ARCH=$(vm_arch:s390x=s390) \
	$(if $(filter s390x,$(vm_arch)),LDFLAGS=-static)
else
kselftests_bin = $(CURDIR)/build/selftests
endif

# Warnings are errors here, but not for a user with a newer compiler.
define build_kselftests
$(if $(vm_arch),@scripts/deps vm_$(vm_arch))
@CFLAGS=-Werror $(MAKE) --no-print-directory -j$$(nproc) -C $(KSELFTESTS) $(kselftests_args) >build/logs/kselftest-build.log 2>&1 || \
	{ tail -n 20 build/logs/kselftest-build.log; exit 1; }
endef

.PHONY: check-vm
check-vm: vm-module	## kselftests in a VM, KVER=5.10|6.1|6.12|7.2|7.3|6.12-arm64|6.12-s390x, TEST="program[:case] ..."
	@scripts/kernels fetch 7.2 source	# the harness belongs to the kernel
	$(build_kselftests)
	$(if $(vm_tests),@$(QEMU_TESTS)/run-vm --kver $(KVER) $(vm_cpus) --timeout $(vm_limit) \
		--out build/$(KVER)/check-vm -- $(KSELFTESTS)/run.sh -o $(kselftests_bin) $(vm_tests:all=))
	$(if $(vm_smp_tests),@$(QEMU_TESTS)/run-vm --kver $(KVER) --smp 2 $(vm_nodes) --timeout $(vm_smp_limit) \
		--out build/$(KVER)/check-vm-smp -- $(KSELFTESTS)/run.sh -o $(kselftests_bin) $(vm_smp_tests))

.PHONY: check-recvmsg
check-recvmsg: vm-module	## RX through recvmsg only, as on kernels that do not export the rings of taps, KVER=
	@scripts/kernels fetch 7.2 source	# the harness belongs to the kernel
	$(build_kselftests)
	@VTAP_BUILD=$(CURDIR)/build/$(KVER)/recvmsg scripts/kernels build $(KVER) VTAP_WITHOUT=ring_getters KCFLAGS=-g0 \
		-j$$(nproc) >build/logs/recvmsg-build-$(KVER).log 2>&1 || \
		{ tail -n 20 build/logs/recvmsg-build-$(KVER).log; exit 1; }
	@$(QEMU_TESTS)/run-vm --kver $(KVER) --timeout 900 --ko build/$(KVER)/recvmsg/vhost_tap.ko \
		--out build/$(KVER)/check-recvmsg -- env VTAP_RECVMSG=1 $(KSELFTESTS)/run.sh $(RECVMSG_TESTS)

.PHONY: check-qemu
check-qemu: vm-module	## QEMU guests on tap, multi-queue tap and macvtap, KVER=6.12|6.12-arm64..., CASE="tap mq ..."
	@$(QEMU_TESTS)/check-qemu --kver $(KVER) $(if $(SHORT),--short) $(addprefix --only ,$(CASE))

.PHONY: check-qemu-new
check-qemu-new: vm-module	## the same by the QEMU of Debian 13's backports, KVER=, CASE=
	@$(QEMU_TESTS)/check-qemu --kver $(KVER) --newer $(addprefix --only ,$(CASE))

.PHONY: check-migrate
check-migrate: vm-module	## live migration between vhost-tap and vhost-net, both ways, KVER=
	@$(QEMU_TESTS)/check-migrate --kver $(KVER) $(if $(SHORT),--short)

.PHONY: check-dpdk
check-dpdk: vm-module	## DPDK testpmd (virtio-user) on the node, KVER=
	@$(KSELFTESTS)/dpdk.sh --fetch
	@$(QEMU_TESTS)/run-vm --kver $(KVER) --timeout 1200 --out build/$(KVER)/check-dpdk -- $(KSELFTESTS)/dpdk.sh

# The Debian of the virtualization host in the VM. It runs programs of this machine, so its
# libc must not be older.
SUITE = $(if $(shell grep -s '^VERSION_CODENAME=trixie' /etc/os-release),trixie,bookworm)
.PHONY: check-libvirt
check-libvirt: vm-module	## libvirt, AppArmor, SELinux, clients that only support /dev/vhost-net, KVER=, CASE=
	@tools/testing/libvirt/check-selinux --kver $(KVER) --suite $(SUITE)
	@tools/testing/libvirt/check-libvirt --kver $(KVER) --suite $(SUITE) $(if $(SHORT),--short) $(addprefix --only ,$(CASE))

.PHONY: check-libvirt-new
check-libvirt-new: vm-module	## check-libvirt on a host of Debian 13, with libvirt 11.3 and QEMU 10.0, KVER=, CASE=
	@tools/testing/libvirt/check-selinux --kver $(KVER) --suite trixie
	@tools/testing/libvirt/check-libvirt --kver $(KVER) --suite trixie $(if $(SHORT),--short) $(addprefix --only ,$(CASE))

GUIDES =
.PHONY: check-guides
check-guides: vm-module	## the guides of Documentation/guides, executed in VMs, KVER=, SUITE=trixie, GUIDES="qemu macvtap"
	@tools/testing/guides/check-guides --kver $(KVER) --suite $(SUITE) $(GUIDES)

.PHONY: check-docs
check-docs:	## Documentation/ and README: Sphinx without warnings, pictures, links, wording, complete lists
	@scripts/deps docs
	@scripts/kernels fetch 7.2 source	# kernel-doc belongs to the kernel
	@tools/testing/docs/check-docs

.PHONY: check-packages
check-packages:	## build the packages and test the files in dist/; lintian, rpmlint and systemd report nothing
	@scripts/deps deb rpm
	@scripts/deps hosts || :	# tests of programs that are missing are skipped
	@tools/testing/packages/check-packages

.PHONY: check-deb
check-deb:	## install the Debian packages in a clean root, use them in a VM, purge them
	@scripts/deps deb build vm
	@scripts/kernels fetch 6.12 headers image cloud
	@tools/testing/packages/check-deb

.PHONY: check-dist
check-dist:	## make dist twice with the same result, the second time from the tarball and without git
	@scripts/deps deb rpm build
	@scripts/kernels fetch 6.12 headers
	@tools/testing/packages/check-dist

.PHONY: check-into-tree
check-into-tree:	## build the driver inside Linux 7.2's source with gcc and clang: as a module and built in
	@tools/testing/packages/check-into-tree

HOST_ARGS =
.PHONY: check-host
check-host:	## run make demo and make check in fresh roots of Debian 12 and 13, HOST_ARGS="--suite trixie demo"
	@tools/testing/host/check-host $(HOST_ARGS)

.PHONY: check-faults
check-faults:	## let each allocation of each control call fail, in a UML kernel with KASAN
	@$(KSELFTESTS)/faults/check-faults

.PHONY: check-debug
check-debug:	## kselftests with two CPUs, 100 reloads, a minute of soak, KUnit and check-faults in a UML kernel with all checks; TEST=
	@tools/testing/uml/check-debug $(TEST)

.PHONY: check-kcsan
check-kcsan:	## kselftests in a VM with two CPUs whose kernel looks for data races (KCSAN); TEST=
	@scripts/deps vm ctl
	@tools/testing/kcsan/check-kcsan $(TEST)

.PHONY: coverage
coverage:	## lines and branches of the driver that check-unit and check-debug execute, with a floor; TEST=
	@tools/testing/coverage/coverage $(TEST)

N = 200
.PHONY: check-mutants
check-mutants:	## plant N=200 random defects in the driver, one at a time; the unit tests and kselftests have to find them; SEED=, hours
	@scripts/deps unit uml
	@tools/testing/mutation/check.py --number $(N) $(addprefix --seed ,$(SEED))

.PHONY: check-tool
check-tool:	## vhost-tapctl with a fake module: names, reports, completion, run time; the runners of tests
	@scripts/deps ctl tool_test
	@$(MAKE) --no-print-directory -s -C tools/testing/tapctl tool
	@tools/testing/tapctl/check-tool
	@tools/testing/host/check-runners

.PHONY: check-ctl
check-ctl: vm-module	## netlink, vhost-tapctl, tracepoints and the doctor in a VM, KVER=
	@tools/testing/tapctl/check-ctl --kver $(KVER)

.PHONY: check-bench
check-bench: vm-module	## vhost-tapctl bench in a VM, with and without guests, KVER=
	@tools/testing/tapctl/check-bench --kver $(KVER) $(if $(SHORT),--only rings --only needs)

.PHONY: check-icount
check-icount: vm-module	## compare the instructions per packet with the recorded ones, KVER=
	@tools/testing/bench/check-icount --kver $(KVER)

BENCH =
.PHONY: bench
bench: $(if $(filter 1,$(HOST)),modules)	## compare with in-tree vhost-net: tables and plots in bench/out; BENCH="--boots 4 native"; HOST=1: on this machine
	@tools/testing/bench/$(if $(filter 1,$(HOST)),host,bench) $(BENCH)

.PHONY: check-dkms
check-dkms:	## dkms add, build, sign, install, kernel upgrade, remove in a clean root, KVER= all four
	@scripts/deps build
	@tools/testing/packages/check-dkms $(if $(filter command,$(firstword $(origin KVER))),$(KVER))

.PHONY: check-install
check-install:	## make install, DKMS and the package after each other in a clean root
	@scripts/deps deb build
	@tools/testing/packages/check-install

# ---- install ----

.PHONY: install
install: modules install-host	## install module, udev rule, modules-load file and manual (DESTDIR=, INSTALL_MOD_PATH=)
	@$(if $(DESTDIR)$(INSTALL_MOD_PATH),:,scripts/installed before-install $(kernelrelease))
	+$(kbuild) INSTALL_MOD_PATH=$(DESTDIR)$(INSTALL_MOD_PATH) modules_install
	@# into a package's DESTDIR: depmod and udev are the package's business
	$(if $(DESTDIR),:,depmod $(addprefix -b ,$(INSTALL_MOD_PATH)) $(kernelrelease))
	@$(if $(DESTDIR),:,! command -v udevadm >/dev/null || udevadm control --reload || :)
	@$(if $(DESTDIR)$(INSTALL_MOD_PATH),:,scripts/installed check $(kernelrelease) updates/drivers/vhost_tap)

kernelrelease = $$($(MAKE) -s --no-print-directory -C $(KDIR) kernelrelease)

.PHONY: uninstall
uninstall:	## remove what make install, install-vhost-tapctl, -stats and -apparmor installed (DESTDIR=, prefix=)
	@DESTDIR='$(DESTDIR)' INSTALL_MOD_PATH='$(INSTALL_MOD_PATH)' UDEVDIR='$(UDEVDIR)' MODLOADDIR='$(MODLOADDIR)' \
		SYSUSERSDIR='$(SYSUSERSDIR)' MANDIR='$(MANDIR)' UNITDIR='$(UNITDIR)' AADIR='$(AADIR)' prefix='$(prefix)' \
		scripts/installed uninstall

# Host files for any installation of the module; the packages use this target too.
.PHONY: install-host
install-host:
	install -D -m 644 dist/60-vhost-tap.rules $(DESTDIR)$(UDEVDIR)/60-vhost-tap.rules
	install -D -m 644 dist/vhost-tap.conf $(DESTDIR)$(MODLOADDIR)/vhost-tap.conf
	install -D -m 644 dist/sysusers.d/vhost-tap.conf $(DESTDIR)$(SYSUSERSDIR)/vhost-tap.conf
	install -D -m 644 dist/vhost_tap.4 $(DESTDIR)$(MANDIR)/man4/vhost_tap.4

.PHONY: vhost-tapctl
vhost-tapctl:	## build the command line tool: build/vhost-tapctl/vhost-tapctl
	@scripts/deps ctl
	@$(MAKE) --no-print-directory -C tools/vhost-tapctl

.PHONY: install-vhost-tapctl
install-vhost-tapctl: vhost-tapctl	## install the tool with man page and completion for bash, zsh and fish (DESTDIR=, prefix=/usr/local)
	@$(MAKE) --no-print-directory -C tools/vhost-tapctl install prefix=$(prefix)

.PHONY: install-stats
install-stats:	## install a timer that writes the counters for node_exporter (DESTDIR=)
	install -D -m 644 -t $(DESTDIR)$(UNITDIR) dist/systemd/vhost-tap-stats.service dist/systemd/vhost-tap-stats.timer

.PHONY: install-apparmor
install-apparmor:	## let domains of libvirt use the node under AppArmor (DESTDIR=)
	install -D -m 644 dist/apparmor/vhost-tap $(DESTDIR)$(AADIR)/abstractions/libvirt-qemu.d/vhost-tap
	@# Debian 12's profile reads the folder only when the local file says so
	mkdir -p $(DESTDIR)$(AADIR)/local/abstractions
	grep -q -s 'include if exists <abstractions/libvirt-qemu.d>' $(DESTDIR)$(AADIR)/abstractions/libvirt-qemu \
		$(DESTDIR)$(AADIR)/local/abstractions/libvirt-qemu || \
		cat dist/apparmor/local-libvirt-qemu >>$(DESTDIR)$(AADIR)/local/abstractions/libvirt-qemu

DKMS_SRC   = /usr/src/vhost-tap-$(VERSION)
# For example -k 6.12.117+deb12-amd64, for another kernel than the running one.
DKMS_FLAGS =

.PHONY: dkms-tree
dkms-tree:	# the sources in the place that DKMS requires
	rm -rf $(DESTDIR)$(DKMS_SRC)
	mkdir -p $(DESTDIR)$(DKMS_SRC)/scripts
	cp -r Kbuild dkms.conf drivers include $(DESTDIR)$(DKMS_SRC)/
	cp -r scripts/kcompat $(DESTDIR)$(DKMS_SRC)/scripts/
	find $(DESTDIR)$(DKMS_SRC) $(built) -delete
	rm $(DESTDIR)$(DKMS_SRC)/scripts/kcompat/expected.txt	# for the matrix

.PHONY: dkms-install
dkms-install:	## install through DKMS, which rebuilds the module on kernel upgrades
	@command -v dkms >/dev/null || scripts/deps dkms
	@scripts/installed before-dkms
	$(MAKE) --no-print-directory dkms-tree install-host
	dkms add vhost-tap/$(VERSION)
	dkms build vhost-tap/$(VERSION) $(DKMS_FLAGS)
	dkms install vhost-tap/$(VERSION) $(DKMS_FLAGS)
	@scripts/installed check-dkms

.PHONY: dkms-remove
dkms-remove:	## undo dkms-install
	@UDEVDIR='$(UDEVDIR)' MODLOADDIR='$(MODLOADDIR)' \
		SYSUSERSDIR='$(SYSUSERSDIR)' MANDIR='$(MANDIR)' scripts/installed dkms-remove

# ---- documentation, packages ----

.PHONY: docs
docs:	## build Documentation/ as HTML in build/docs/html
	@scripts/deps docs
	@scripts/make-docs

.PHONY: deb
deb:	## build the Debian packages in build/deb
	@scripts/deps deb
	@scripts/make-deb

.PHONY: dist
dist:	## make a tarball, packages, source packages and SHA256SUMS in build/dist, the same bytes each time
	@scripts/deps deb rpm
	@scripts/make-dist

.PHONY: release-check
release-check:	## check a release: versions, changelog, tag, clean tree, commit messages
	@scripts/release-check

.PHONY: clean
clean:	## remove build products (fetched kernels stay in ~/.cache/vhost-tap)
	rm -rf build
	find drivers $(built) -delete
	rm -f Module.symvers modules.order .Module.symvers.cmd .modules.order.cmd .module-common.*
	@! test -e $(USER_TESTS)/Makefile || $(MAKE) -s --no-print-directory -C $(USER_TESTS) clean
	@! test -e $(KSELFTESTS)/Makefile || $(MAKE) -s --no-print-directory -C $(KSELFTESTS) clean

.PHONY: help
help:	## print this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1@\2/p' Makefile | \
	while IFS=@ read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done
