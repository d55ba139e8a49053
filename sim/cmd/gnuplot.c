/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* posix_spawn_file_actions_addchdir_np, memmem */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/os.h"
#include "sim/cmd/gnuplot.h"

#define BYTES_MAX ((size_t)256 << 20)
#define PATH_BYTES 4096u
#define NAME_BYTES 200u

/* Where gnuplot works. */
struct place {
	char dir[PATH_BYTES];
	char name[NAME_BYTES]; /* of the figure, as the file says it */
};

struct in_place {
	char text[2 * PATH_BYTES];
};

static struct in_place path_of(const struct place *p, const char *name)
{
	struct in_place path;

	snprintf(path.text, sizeof(path.text), "%s/%s", p->dir, name);
	return path;
}

static struct in_place figure_of(const struct place *p, const char *suffix)
{
	struct in_place path;

	snprintf(path.text, sizeof(path.text), "%s/%s.%s", p->dir, p->name,
		 suffix);
	return path;
}

static int put(const struct place *p, const char *name, const char *head,
	       const char *text, struct err *err)
{
	struct in_place path = path_of(p, name);
	struct os_out out;
	int ret = os_out_open(&out, path.text, err);

	if (ret)
		return ret;
	fputs(head, out.f);
	fputs(text, out.f);
	return os_out_commit(&out, err);
}

static int make_place(struct place *p, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	int code;

	if (snprintf(p->dir, sizeof(p->dir), "%s/dedupsim-plot-XXXXXX",
		     tmp && *tmp ? tmp : "/tmp") >= (int)sizeof(p->dir))
		return err_set(err, ENAMETOOLONG, "TMPDIR: too long");
	if (!mkdtemp(p->dir)) {
		code = errno;
		err_set(err, code, "%s: %s", p->dir, strerror(code));
		p->dir[0] = '\0';
		return -code;
	}
	if (mkdir(path_of(p, "plots").text, 0777)) {
		code = errno;
		return err_set(err, code, "%s: %s", p->dir, strerror(code));
	}
	return 0;
}

/* Whatever a script left there, one level deep, and then the directory. */
static void remove_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

static void remove_place(const struct place *p)
{
	if (!p->dir[0])
		return;
	remove_dir(path_of(p, "plots").text);
	remove_dir(p->dir);
}

/* The name goes into the TeX that is written, and into a script. */
static int take_name(struct place *p, const struct gnuplot_job *job,
		     struct err *err)
{
	const char *slash = strrchr(job->out, '/');
	const char *name = slash ? slash + 1 : job->out, *dot;
	size_t n;

	if (!strcmp(job->out, "-")) {
		snprintf(p->name, sizeof(p->name), "figure");
		return 0;
	}
	dot = strrchr(name, '.');
	n = dot ? (size_t)(dot - name) : strlen(name);
	if (!n || n >= sizeof(p->name))
		return err_set(err, EINVAL, "%s: not a name of a file",
			       job->out);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) &&
		    !strchr("-_.+", name[i]))
			return err_set(
				err, EINVAL,
				"%s: a figure's name has letters, digits "
				"and -_.+ only",
				job->out);
	memcpy(p->name, name, n);
	p->name[n] = '\0';
	return 0;
}

/* ---- the process ---- */

extern char **environ;

static bool is_set(const char *entry)
{
	return !strncmp(entry, "LC_", 3) || !strncmp(entry, "LANG", 4) ||
	       !strncmp(entry, "GNUTERM", 7) || !strncmp(entry, "GNUPLOT", 7);
}

/* The environment without what would change how a figure looks. */
static char **plain_environment(void)
{
	static char c_locale[] = "LC_ALL=C.UTF-8";
	size_t n = 0, k = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!is_set(environ[i]))
			env[k++] = environ[i];
	env[k] = c_locale;
	return env;
}

/* Start it with @log as its output; returns 0 or a positive errno. */
static int start(pid_t *pid, const struct place *p, const char *log)
{
	static char name[] = "gnuplot", plain[] = "-d", script[] = "figure.gp";
	char *argv[] = {name, plain, script, NULL};
	char **env = plain_environment();
	posix_spawn_file_actions_t fa;
	int code = env ? posix_spawn_file_actions_init(&fa) : ENOMEM;

	if (code) {
		free(env);
		return code;
	}
	code = posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY,
						0);
	if (!code)
		code = posix_spawn_file_actions_addopen(
			&fa, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (!code)
		code = posix_spawn_file_actions_adddup2(&fa, 1, 2);
	if (!code)
		code = posix_spawn_file_actions_addchdir_np(&fa, p->dir);
	if (!code)
		code = posix_spawnp(pid, name, &fa, NULL, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	free(env);
	return code;
}

/* The first line of what gnuplot said that is not its place. */
static int complain(const struct place *p, struct err *err)
{
	char *log = NULL, *line, *why = NULL, *s;
	size_t n = 0;

	if (!os_read_all(path_of(p, "log").text, BYTES_MAX, &log, &n, NULL)) {
		s = log;
		for (line = strsep(&s, "\n"); line; line = strsep(&s, "\n"))
			if (line[strspn(line, " \t^")])
				why = line;
	}
	err_set(err, EINVAL, "gnuplot: %s",
		why ? why + strspn(why, " \t") : "failed");
	free(log);
	return -EINVAL;
}

static int run(const struct place *p, struct err *err)
{
	struct in_place log = path_of(p, "log");
	int status, code;
	pid_t pid;

	code = start(&pid, p, log.text);
	if (code == ENOENT)
		return err_set(err, ENOENT,
			       "gnuplot is not installed (Debian: "
			       "gnuplot-nox; or `make deps-plots`)");
	if (code)
		return err_set(err, code, "gnuplot: %s", strerror(code));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, errno, "gnuplot: %s",
				       strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return complain(p, err);
	return 0;
}

/* ---- the result ---- */

/* "/CreationDate (D:20240229123456Z)": same length, so that offsets stay. */
void gnuplot_undate(char *pdf, size_t n)
{
	static const char key[] = "Date (D:", zero[] = "19700101000000";
	char *p = pdf, *end = pdf + n;

	while ((p = memmem(p, (size_t)(end - p), key, sizeof(key) - 1))) {
		p += sizeof(key) - 1;
		for (size_t i = 0; i < sizeof(zero) - 1 && p < end &&
				   isdigit((unsigned char)*p);
		     i++)
			*p++ = zero[i];
	}
}

/* A file that was drawn, in memory. */
struct drawn {
	char *bytes;
	size_t n;
};

static int take(const struct place *p, const char *suffix, struct drawn *out,
		struct err *err)
{
	struct in_place from = figure_of(p, suffix);
	int ret;

	if (access(from.text, F_OK))
		return err_set(err, EINVAL, "gnuplot: drew no %s", suffix);
	ret = os_read_all(from.text, BYTES_MAX, &out->bytes, &out->n, err);
	if (!ret && !strcmp(suffix, "pdf"))
		gnuplot_undate(out->bytes, out->n);
	return ret;
}

static int keep(const struct drawn *d, const char *path, struct err *err)
{
	struct os_out out;
	int ret = os_out_open(&out, path, err);

	if (ret)
		return ret;
	os_out_write(&out, d->bytes, d->n);
	return os_out_commit(&out, err);
}

/* NAME.tex loads NAME.pdf: that has to be there first. */
static int keep_beside(const struct drawn *d, const char *tex, struct err *err)
{
	size_t n = strlen(tex);
	char *path = malloc(n + 1);
	int ret;

	if (!path)
		return -ENOMEM;
	memcpy(path, tex, n + 1);
	memcpy(path + n - 3, "pdf", 3);
	ret = keep(d, path, err);
	free(path);
	return ret;
}

static int work(struct place *p, const struct gnuplot_job *job,
		struct drawn *figure, struct drawn *beside, struct err *err)
{
	char head[NAME_BYTES + 100];
	int ret = make_place(p, err);

	snprintf(head, sizeof(head),
		 "format = \"%s\"\nout = \"%s\"\ndata = \"data.tsv\"\n",
		 job->format, p->name);
	if (!ret)
		ret = put(p, "plots/style.gp", "", job->style, err);
	if (!ret)
		ret = put(p, "figure.gp", head, job->script, err);
	if (!ret)
		ret = put(p, "data.tsv", "", job->data, err);
	if (!ret)
		ret = run(p, err);
	if (!ret)
		ret = take(p, job->format, figure, err);
	if (!ret && !strcmp(job->format, "tex"))
		ret = take(p, "pdf", beside, err);
	remove_place(p);
	return ret;
}

int gnuplot_draw(const struct gnuplot_job *job, struct err *err)
{
	struct drawn figure = {0}, beside = {0};
	struct place p = {.dir = ""};
	int ret = take_name(&p, job, err);

	if (!ret)
		ret = work(&p, job, &figure, &beside, err);
	if (!ret && beside.bytes)
		ret = keep_beside(&beside, job->out, err);
	if (!ret)
		ret = keep(&figure, job->out, err);
	free(figure.bytes);
	free(beside.bytes);
	return ret;
}
