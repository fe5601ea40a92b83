# SPDX-License-Identifier: GPL-2.0
include $(sort $(wildcard $(BR2_EXTERNAL_VHOST_TAP_PATH)/package/*/*.mk))
