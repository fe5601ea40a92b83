// SPDX-License-Identifier: GPL-2.0
/*
 * files.c - print programs, and store them
 *
 * The corpus in the source tree is one file, which fuzz-kernel compresses: for each program
 * the number of its steps in a byte, and the steps.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

FILE *open_or_exit(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f) {
		perror(path);
		exit(2);
	}
	return f;
}

static unsigned int read_program(const char *path, struct op *o)
{
	FILE *f = open_or_exit(path, "r");
	unsigned int nr = fread(o, sizeof(*o), MAX_OPS, f);

	fclose(f);
	return nr;
}

static void write_program(const char *dir, unsigned long name, const struct op *o, unsigned int nr)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%05lu", dir, name);
	f = open_or_exit(path, "w");
	fwrite(o, sizeof(*o), nr, f);
	fclose(f);
}

void files_print(const char *path)
{
	struct op o[MAX_OPS];
	unsigned int nr = read_program(path, o), i;

	for (i = 0; i < nr; i++)
		printf("%-8s dev=%u ring=%u a=0x%02x b=%-3u c=0x%02x x=0x%08x y=0x%llx\n",
		       ops[o[i].nr % nr_ops].name, o[i].a & 3, o[i].a >> 2 & 3, o[i].a, o[i].b,
		       o[i].c, o[i].x, (unsigned long long)o[i].y);
}

void files_pack(const char *dir, const char *path)
{
	struct dirent **name;
	int n = scandir(dir, &name, NULL, alphasort), i;
	FILE *f = open_or_exit(path, "w");
	struct op o[MAX_OPS];
	char from[1024];
	uint8_t nr;

	for (i = 0; i < n; i++) {
		if (name[i]->d_name[0] == '.')
			continue;
		snprintf(from, sizeof(from), "%s/%s", dir, name[i]->d_name);
		nr = read_program(from, o);
		fwrite(&nr, 1, 1, f);
		fwrite(o, sizeof(*o), nr, f);
	}
	fclose(f);
}

void files_unpack(const char *path, const char *dir)
{
	FILE *f = open_or_exit(path, "r");
	struct op o[MAX_OPS];
	unsigned long i;
	uint8_t nr;

	for (i = 0; fread(&nr, 1, 1, f) && nr <= MAX_OPS; i++) {
		if (fread(o, sizeof(*o), nr, f) == nr)
			write_program(dir, i, o, nr);
	}
	fclose(f);
}

/* Write each of the last inputs to a file, by the number of its run. */
void files_inputs(const char *path, const char *dir)
{
	FILE *f = open_or_exit(path, "r");
	struct kept k;

	while (fread(&k, sizeof(k), 1, f) == 1)
		write_program(dir, k.run, k.ops, k.size / sizeof(*k.ops));
	fclose(f);
}
