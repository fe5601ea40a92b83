################################################################################
#
# vhost-tap
#
################################################################################

# SPDX-License-Identifier: GPL-2.0
# The sources are the tree that this file is in.
VHOST_TAP_VERSION = 0.1.0
VHOST_TAP_SITE = $(BR2_EXTERNAL_VHOST_TAP_PATH)/../..
VHOST_TAP_SITE_METHOD = local
VHOST_TAP_LICENSE = GPL-2.0
VHOST_TAP_LICENSE_FILES = COPYING

define VHOST_TAP_LINUX_CONFIG_FIXUPS
	$(call KCONFIG_ENABLE_OPT,CONFIG_TUN)
	$(call KCONFIG_ENABLE_OPT,CONFIG_EVENTFD)
	$(call KCONFIG_ENABLE_OPT,CONFIG_VHOST_MENU)
	$(call KCONFIG_ENABLE_OPT,CONFIG_VHOST_NET)
endef

define VHOST_TAP_INSTALL_TARGET_CMDS
	$(MAKE) -C $(@D) install-host DESTDIR=$(TARGET_DIR)
endef

define VHOST_TAP_USERS
	- -1 kvm -1 - - - - group of /dev/vhost-tap
endef

$(eval $(kernel-module))
$(eval $(generic-package))
