/* SPDX-License-Identifier: GPL-2.0 */
/*
 * json.h - JSON output with json-c
 */
#ifndef VHOST_TAPCTL_JSON_H
#define VHOST_TAPCTL_JSON_H

#include <json-c/json.h>

#include "ctl.h"

struct json_object *json_queue(const struct queue *q, const struct queue *before,
			       double seconds);
struct json_object *json_snapshot(const struct snapshot *s,
				  const struct snapshot *before);
int json_print(struct json_object *o);

#endif /* VHOST_TAPCTL_JSON_H */
