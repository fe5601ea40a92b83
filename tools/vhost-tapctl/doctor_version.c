// SPDX-License-Identifier: GPL-2.0
/*
 * doctor_version.c - compare the loaded module, the installed one and the tool
 *
 * The srcversion of a module is a checksum of its sources, so it also
 * distinguishes two builds of the same version.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"

#define MODULE	"vhost_tap"

/* Debian policy requires this file; other installations do not have it. */
#define DEBIAN_COPYRIGHT "/usr/share/doc/vhost-tapctl/copyright"

/**
 * struct build - identity of a build of the module; empty: not known
 */
struct build {
	char version[64];
	char srcversion[64];
};

/*
 * Get the path of a file in the running kernel's module directory. Returns
 * false if it is too long.
 */
static bool module_path(char *path, size_t room, const char *file)
{
	struct utsname u;
	int len;

	uname(&u);
	len = snprintf(path, room, "/lib/modules/%s/%s", u.release, file);
	return len > 0 && (size_t)len < room;
}

/*
 * Get the file that modprobe loads, as depmod wrote it: absolute, or relative
 * to the module directory. Returns false if depmod does not know the module.
 */
static bool installed_file(char *buf, size_t room)
{
	char path[PATH_MAX], line[PATH_MAX], *name;
	bool found = false;
	FILE *f;

	if (!module_path(path, sizeof(path), "modules.dep"))
		return false;
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ":\n")] = 0;
		name = strrchr(line, '/');
		name = name ? name + 1 : line;
		found = !strncmp(name, MODULE ".ko", strlen(MODULE ".ko"));
	}
	if (f)
		fclose(f);
	if (found)
		snprintf(buf, room, "%s", line);
	return found;
}

/**
 * is_installed - check that modprobe finds the module for the running kernel
 *
 * Return: true if it does.
 */
bool is_installed(void)
{
	char file[PATH_MAX];

	return installed_file(file, sizeof(file));
}

/* Read a field of a module file, or of the module that modprobe would load. */
static void read_modinfo(const char *field, const char *module, char *buf,
			 size_t room)
{
	char *command, *word, line[256] = "";
	size_t word_room = 4 * strlen(module) + 4;
	FILE *f = NULL;

	buf[0] = 0;
	word = malloc(word_room);
	if (!word)
		return;
	shell_word(word, word_room, module);
	if (asprintf(&command,
		     "PATH=/usr/sbin:/usr/bin:/sbin:/bin exec modinfo -F %s %s 2>/dev/null",
		     field, word) >= 0) {
		f = popen(command, "re");
		free(command);
	}
	free(word);
	if (!f)
		return;
	if (fgets(line, sizeof(line), f))
		clean_name(buf, room, line, strcspn(line, "\n"));
	pclose(f);
}

static struct build build_of(const char *module)
{
	struct build b;

	read_modinfo("version", module, b.version, sizeof(b.version));
	read_modinfo("srcversion", module, b.srcversion, sizeof(b.srcversion));
	return b;
}

static struct build loaded_build(void)
{
	struct build b;

	read_line("/sys/module/" MODULE "/version", b.version,
		  sizeof(b.version));
	read_line("/sys/module/" MODULE "/srcversion", b.srcversion,
		  sizeof(b.srcversion));
	return b;
}

/* Unknown values do not differ. */
static bool differ(const char *a, const char *b)
{
	return a[0] && b[0] && strcmp(a, b);
}

static void compare_installed(struct doctor_ctx *ctx,
			      const struct build *loaded,
			      const struct build *installed)
{
	char what[256];

	if (differ(loaded->version, installed->version))
		snprintf(what, sizeof(what),
			 "the loaded module has version %s, the installed one %s",
			 loaded->version, installed->version);
	else if (differ(loaded->srcversion, installed->srcversion))
		snprintf(what, sizeof(what),
			 "the loaded module is not the installed build of version %s",
			 loaded->version);
	else
		return;
	finding(ctx, WARNING, what,
		read_number("/sys/module/" MODULE "/refcnt") > 0 ?
		"the installed module takes effect when it is loaded; stop the VMMs that use the loaded one first" :
		"the installed module takes effect when it is loaded",
		"modprobe -r " MODULE " && modprobe " MODULE);
}

static void compare_tool(struct doctor_ctx *ctx, const char *version)
{
	static const char why[] =
		"one of them may not know counters or settings of the other; install both from the same release";
	char what[256];

	if (!differ(version, VERSION))
		return;
	snprintf(what, sizeof(what),
		 "vhost-tapctl has version " VERSION ", the module %s",
		 version);
	if (!access(DEBIAN_COPYRIGHT, F_OK))
		finding(ctx, WARNING, what, why,
			"apt-get install vhost-tapctl vhost-tap-dkms && modprobe -r "
			MODULE " && modprobe " MODULE);
	else
		finding(ctx, WARNING, what, why, NULL);
}

/* State of the search for copies, because nftw() passes none to its callback */
static char winner[PATH_MAX];
static char hidden[PATH_MAX];

static int on_file(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	(void)st;
	if (type == FTW_F && strcmp(path, winner) &&
	    !strncmp(path + ftw->base, MODULE ".ko", strlen(MODULE ".ko")))
		snprintf(hidden, sizeof(hidden), "%s", path);
	return 0;
}

/* Different ways to install leave several files, of which depmod picks one. */
static void check_copies(struct doctor_ctx *ctx, const char *file,
			 const struct build *installed)
{
	char folder[PATH_MAX], what[3 * PATH_MAX];
	struct build other;

	if (!module_path(folder, sizeof(folder), ""))
		return;
	if (snprintf(winner, sizeof(winner), "%s%s",
		     file[0] == '/' ? "" : folder, file) >=
	    (int)sizeof(winner))
		return;
	folder[strlen(folder) - 1] = 0;
	nftw(folder, on_file, 16, FTW_PHYS);
	if (!hidden[0])
		return;
	other = build_of(hidden);
	if (!differ(installed->version, other.version) &&
	    !differ(installed->srcversion, other.srcversion))
		return;
	snprintf(what, sizeof(what), "%s (version %s) hides %s (version %s)",
		 winner, installed->version, hidden, other.version);
	finding(ctx, WARNING, what,
		"modprobe loads only the first; remove the copy that you do not want, then run depmod",
		NULL);
}

/**
 * check_versions - compare the loaded module, the installed one and this tool
 * @ctx: context
 */
void check_versions(struct doctor_ctx *ctx)
{
	struct build installed = { 0 }, loaded;
	char file[PATH_MAX];

	if (installed_file(file, sizeof(file))) {
		installed = build_of(MODULE);
		check_copies(ctx, file, &installed);
	}
	if (access("/sys/module/" MODULE, F_OK)) {
		compare_tool(ctx, installed.version);
		return;
	}
	loaded = loaded_build();
	compare_installed(ctx, &loaded, &installed);
	/* Report one finding if loading the installed module fixes both. */
	if (differ(loaded.version, VERSION) &&
	    strcmp(installed.version, VERSION))
		compare_tool(ctx, loaded.version);
}
