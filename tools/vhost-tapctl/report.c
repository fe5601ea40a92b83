// SPDX-License-Identifier: GPL-2.0
/*
 * report.c - vhost-tapctl report: collect an archive for a bug report
 *
 * Each file of the archive is written to memory first. redact.c replaces private
 * data before a byte reaches the disk. tar makes the archive.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "redact.h"
#include "report.h"
#include "spawn.h"

#define FOLDER	"vhost-tap-report"

static const struct part {
	const char *file;
	const char *contents;
	void (*write)(struct report *r, FILE *f);
} parts[] = {
	{ "versions.txt", "versions of the tool, module, kernel, QEMU, libvirt",
	  put_versions },
	{ "module.txt", "parameters and build of the module", put_module },
	{ "devices.json", "devices, queues, workers and counters",
	  put_devices },
	{ "links.txt", "taps, macvtaps and their bridges", put_links },
	{ "vmm.txt", "network options of the processes that own devices",
	  put_vmms },
	{ "doctor.txt", "findings of vhost-tapctl doctor", put_doctor },
	{ "kernel-log.txt", "lines of the kernel log on taps, vhost and failures",
	  put_kernel_log },
	{ "host.txt", "CPUs, memory, boot parameters, device nodes",
	  put_host },
	{ "packages.txt", "packages and DKMS", put_packages },
};

#define NR_PARTS	(sizeof(parts) / sizeof(*parts))
#define CONTENTS	"contents.txt"

/**
 * missing - note why the current file is not complete
 * @r: report
 * @fmt: printf() format of the reason
 */
void missing(struct report *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("      not included: ", r->missing);
	vfprintf(r->missing, fmt, ap);
	fputc('\n', r->missing);
	va_end(ap);
}

/**
 * put_command - write a command and its output
 * @f: file to write to
 * @args: program and its arguments; NULL ends them
 *
 * Return: as spawn_text().
 */
int put_command(FILE *f, const char *const *args)
{
	size_t i, room;
	char *word;
	int ret;

	fputc('$', f);
	for (i = 0; args[i]; i++) {
		const char *arg = args[i];

		if (!strcmp(arg, "/proc/self/exe"))
			arg = "vhost-tapctl";
		room = 4 * strlen(arg) + 4;
		word = malloc(room);
		if (!word)
			return -ENOMEM;
		shell_word(word, room, arg);
		fprintf(f, " %s", word);
		free(word);
	}
	fputc('\n', f);
	ret = spawn_text(args, f);
	if (ret == -ENOENT)
		fputs("(not installed)\n", f);
	else if (ret < 0)
		fprintf(f, "(stopped: %s)\n", strerror(-ret));
	else if (ret)
		fprintf(f, "(exit status %d)\n", ret);
	fputc('\n', f);
	return ret;
}

/**
 * add_link - add a tap or macvtap to the report, once
 * @r: report
 * @name: its name
 */
void add_link(struct report *r, const char *name)
{
	unsigned int i;

	for (i = 0; i < r->nr_links; i++)
		if (!strcmp(r->link[i].name, name))
			return;
	if (r->nr_links == MAX_LINKS)
		r->more_links++;
	else
		snprintf(r->link[r->nr_links++].name, IFNAMSIZ, "%s", name);
}

/*
 * Write a text, if @private with private data replaced. Returns 0 or a negative
 * errno.
 */
static int write_part(int folder, const char *name, const char *text,
		      bool private)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			0600);
	size_t room = 4 * strlen(text) + 1;
	char *clean = malloc(room);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int err = -errno;

	if (f && clean) {
		clean_text(clean, room, text, room, "\n\t\\");
		if (private)
			redact_write(f, clean);
		else
			fputs(clean, f);
		err = ferror(f) ? -EIO : 0;
	}
	free(clean);
	if (f && fclose(f) && !err)
		err = -errno;
	return err;
}

/* Collect a part and add its line to the contents. */
static int collect(struct report *r, int folder, const struct part *p,
		   FILE *contents)
{
	char *text = NULL, *why = NULL;
	size_t len, why_len;
	int err = -ENOMEM;
	FILE *f;

	f = open_memstream(&text, &len);
	r->missing = open_memstream(&why, &why_len);
	if (f && r->missing)
		p->write(r, f);
	if (f && r->missing && !fclose(f) && !fclose(r->missing)) {
		err = write_part(folder, p->file, text, true);
		fprintf(contents, "  %-15s %s\n%s", p->file, p->contents, why);
	}
	free(text);
	free(why);
	return err;
}

static const char contents_head[] =
	"Report of vhost-tapctl " VERSION ".\n"
	"\n"
	"A token such as <MAC-1> replaces private data. Equal data has equal tokens.\n"
	"\n";

/* Fill the folder. The text of @contents is for the user, too. */
static int fill(struct report *r, int folder, char **contents)
{
	char *all = NULL;
	size_t len, i;
	int err = 0;
	FILE *f;

	f = open_memstream(contents, &len);
	for (i = 0; f && !err && i < NR_PARTS; i++)
		err = collect(r, folder, &parts[i], f);
	if (!f || fclose(f))
		return -ENOMEM;
	f = open_memstream(&all, &len);
	if (!f)
		return -ENOMEM;
	fputs(contents_head, f);
	redact_legend(f);
	fprintf(f, "\n%s\nreplaced: ", *contents);
	redact_summary(f);
	if (fclose(f))
		return -ENOMEM;
	if (!err)
		err = write_part(folder, CONTENTS, all, false);
	free(all);
	return err;
}

static void remove_folder(const char *path, int folder)
{
	size_t i;

	for (i = 0; i < NR_PARTS; i++)
		unlinkat(folder, parts[i].file, 0);
	unlinkat(folder, CONTENTS, 0);
	close(folder);
	rmdir(path);
}

/* Make the archive of a folder in one step. Returns an exit code. */
static int pack(const char *folder, const char *output)
{
	char *tmp;
	int fd, ret;

	if (asprintf(&tmp, "%s.XXXXXX", output) < 0)
		return CTL_FAILED;
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		warn("%s: %s", output, strerror(errno));
		free(tmp);
		return CTL_FAILED;
	}
	ret = spawn(ARGS("tar", "--create", "--gzip", "--owner=root:0",
			 "--group=root:0", "--sort=name",
			 "--transform=s,^[.]," FOLDER ",", "--directory",
			 folder, "."), fd);
	if (ret)
		warn("tar: %s", ret < 0 ? strerror(-ret) : "failed");
	else if (fsync(fd) || rename(tmp, output))
		warn("%s: %s", output, strerror(errno));
	else
		fd = (close(fd), -1);
	if (fd >= 0) {
		close(fd);
		unlink(tmp);
	}
	free(tmp);
	return fd < 0 ? CTL_OK : CTL_FAILED;
}

/* Print the contents of the archive, and the command that shows it. */
static void say(const char *output, const char *contents)
{
	size_t room = 4 * strlen(output) + 4;
	char *word = malloc(room);
	struct stat st;

	if (!word || stat(output, &st))
		return;
	shell_word(word, room, output);
	printf("%s (%lld bytes) contains:\n%s", word, (long long)st.st_size,
	       contents);
	printf("Replaced by tokens: ");
	redact_summary(stdout);
	printf("Read it before you send it. It may have other names that are private:\n"
	       "  tar -xzOf %s | less\n", word);
	free(word);
}

static int parse(struct report *r, int argc, char **argv, const char **output)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "tap", required_argument, NULL, 't' },
		{ 0 },
	};
	int c;

	while ((c = next_option(argc, argv, "o:", options)) != -1) {
		if (c == 'o' && *optarg)
			*output = optarg;
		else if (c == 't' && *optarg && strlen(optarg) < IFNAMSIZ)
			add_link(r, optarg);
		else
			return CTL_USAGE;
	}
	return optind == argc ? CTL_OK : CTL_USAGE;
}

/* Get the devices of all network namespaces, or else of this one. */
static void take_snapshot(struct report *r)
{
	bool all = true;

	do {
		struct genl *nl = genl_open_loaded();

		snapshot_free(&r->s);
		if (nl && all)
			genl_all_namespaces(nl);
		r->err = nl ? snapshot_take(nl, &r->s) : -errno;
		genl_close(nl);
		all = !all;
	} while (r->err && !all);
}

/* Search these folders, too: PATH of a user may lack those of system programs. */
static void extend_path(void)
{
	const char *path = getenv("PATH");
	char *all;

	if (asprintf(&all, "%s%s/usr/sbin:/usr/bin:/sbin:/bin",
		     path ? path : "", path ? ":" : "") < 0)
		return;
	setenv("PATH", all, 1);
	free(all);
}

/* Returns an exit code. */
static int make_archive(struct report *r, const char *output)
{
	const char *tmp = getenv("TMPDIR");
	int folder, err, ret = CTL_FAILED;
	char *contents = NULL, *path;

	if (asprintf(&path, "%s/" FOLDER ".XXXXXX",
		     tmp && *tmp ? tmp : "/tmp") < 0)
		return CTL_FAILED;
	if (!mkdtemp(path)) {
		warn("%s: %s", path, strerror(errno));
		free(path);
		return CTL_FAILED;
	}
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = folder < 0 ? -errno : fill(r, folder, &contents);
	if (err)
		warn("%s: %s", path, strerror(-err));
	else
		ret = pack(path, output);
	if (ret == CTL_OK)
		say(output, contents);
	free(contents);
	remove_folder(path, folder);
	free(path);
	return ret;
}

/**
 * cmd_report - vhost-tapctl report
 * @argc: arguments, with the name
 * @argv: arguments
 *
 * Return: exit code.
 */
int cmd_report(int argc, char **argv)
{
	static struct report r;
	const char *output = NULL;
	char name[64];
	time_t t = time(NULL);
	int ret = parse(&r, argc, argv, &output);

	if (ret != CTL_OK)
		return ret;
	if (!output) {
		strftime(name, sizeof(name),
			 FOLDER "-%Y%m%d-%H%M%S.tar.gz", gmtime(&t));
		output = name;
	}
	umask(077);
	extend_path();
	take_snapshot(&r);
	find_names(&r);
	find_links(&r);
	ret = make_archive(&r, output);
	snapshot_free(&r.s);
	return ret;
}
