# SPDX-License-Identifier: GPL-2.0
# Put the tarball of "make dist" into a folder "files" next to this recipe.
SUMMARY = "Faster vhost-net for virtual machines on tap devices"
DESCRIPTION = "The kernel module vhost_tap with its udev rule"
SECTION = "kernel/modules"
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://COPYING;md5=b234ee4d69f5fce4486a80fdaf4a4263"

SRC_URI = "file://vhost-tap-${PV}.tar.gz"

inherit module

# Kbuild, not the Makefile: "make install" is for the host that it runs on.
VTAP_KBUILD = "-C ${STAGING_KERNEL_DIR} O=${STAGING_KERNEL_BUILDDIR} M=${S} \
               CC='${KERNEL_CC}' LD='${KERNEL_LD}' AR='${KERNEL_AR}' OBJCOPY='${KERNEL_OBJCOPY}'"

do_compile() {
    unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS
    oe_runmake ${VTAP_KBUILD} modules
}

do_install() {
    unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS
    oe_runmake ${VTAP_KBUILD} DEPMOD=echo INSTALL_MOD_PATH=${D}${root_prefix} modules_install
    oe_runmake install-host DESTDIR=${D} UDEVDIR=${nonarch_base_libdir}/udev/rules.d \
        MODLOADDIR=${nonarch_libdir}/modules-load.d SYSUSERSDIR=${nonarch_libdir}/sysusers.d \
        MANDIR=${mandir}
}

RRECOMMENDS:${PN} += "kernel-module-tun kernel-module-tap"
FILES:${PN} += "${nonarch_base_libdir}/udev/rules.d ${nonarch_libdir}/modules-load.d \
                ${nonarch_libdir}/sysusers.d"
