/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/text.h"
#include "workloads/filecache.h"

#define LIST_BYTES_MAX (UINT64_C(1) << 28)
#define LIST_WRITES_MAX (UINT64_C(1) << 20) /* pages: 4 GiB */
#define WORDS 6

/* A file that lists have named and the tree has not. */
struct fresh {
	const char *path; /* in the text */
	uint32_t pages;
};

struct parse {
	struct access_list *l;
	struct filetree *t;
	const char *name;
	uint32_t line;
	uint32_t guests;
	uint32_t *last;	 /* by guest: its last item + 1 */
	uint32_t *pages; /* of each file of the tree, as writes have it grow */
	struct fresh *fresh;
	size_t nfresh, fresh_cap;
	uint32_t *slot; /* fresh + 1 by hash of path, open addressing */
	size_t slots;
	uint64_t time;
};

static int wrong(const struct parse *p, struct err *err, const char *what,
		 const char *word)
{
	return err_set(err, EINVAL, "%s:%" PRIu32 ": %s: %s", p->name, p->line,
		       word, what);
}

/* ---- new files ---- */

static size_t find_slot(const struct parse *p, const char *path)
{
	size_t at = (size_t)hash_xxh3(path, strlen(path)) & (p->slots - 1);

	while (p->slot[at] && strcmp(p->fresh[p->slot[at] - 1].path, path))
		at = (at + 1) & (p->slots - 1);
	return at;
}

static int grow_slots(struct parse *p)
{
	size_t slots = p->slots ? p->slots * 2 : 64;
	uint32_t *slot = mem_zalloc(slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	free(p->slot);
	p->slot = slot;
	p->slots = slots;
	for (uint32_t i = 0; i < p->nfresh; i++)
		p->slot[find_slot(p, p->fresh[i].path)] = i + 1;
	return 0;
}

/* @file: out: number that it will have */
static int find_fresh(struct parse *p, const char *path, uint32_t *file)
{
	size_t at;

	if (p->nfresh * 2 >= p->slots && grow_slots(p))
		return -ENOMEM;
	at = find_slot(p, path);
	if (!p->slot[at]) {
		if (mem_reserve(&p->fresh, &p->fresh_cap, p->nfresh + 1,
				sizeof(*p->fresh)))
			return -ENOMEM;
		p->fresh[p->nfresh++] = (struct fresh){.path = path};
		p->slot[at] = (uint32_t)p->nfresh;
	}
	*file = p->t->tree_files + p->slot[at] - 1;
	return 0;
}

static uint32_t *pages_of(struct parse *p, uint32_t file)
{
	return file < p->t->tree_files
		       ? &p->pages[file]
		       : &p->fresh[file - p->t->tree_files].pages;
}

/* ---- lines ---- */

static int range(struct parse *p, char **word, int n, struct item *it,
		 struct err *err)
{
	uint64_t first = 0, count = ITEM_ALL;

	if (n > 4 && !text_u64(word[4], &first))
		return wrong(p, err, "not a page number", word[4]);
	if (n > 5 && (!text_u64(word[5], &count) || !count))
		return wrong(p, err, "not a number of pages", word[5]);
	if (first >= FILETREE_PAGES_MAX ||
	    (n > 5 && count > FILETREE_PAGES_MAX))
		return wrong(p, err, "no file has so many pages", word[n - 1]);
	it->first = (uint32_t)first;
	it->count = (uint32_t)count;
	return 0;
}

static int write_item(struct parse *p, struct item *it, struct err *err)
{
	uint32_t *pages = pages_of(p, it->file), end = it->first + it->count;

	if (it->count > LIST_WRITES_MAX - p->l->writes)
		return err_set(err, EINVAL,
			       "%s:%" PRIu32 ": more than %" PRIu64
			       " pages are written in all",
			       p->name, p->line, LIST_WRITES_MAX);
	/* Some guest may have a shorter file still: that is seen later. */
	if (it->first > *pages)
		return err_set(err, EINVAL,
			       "%s:%" PRIu32 ": the write leaves a hole: no "
			       "guest has more than %" PRIu32 " pages",
			       p->name, p->line, *pages);
	it->content = (uint32_t)p->l->writes;
	p->l->writes += it->count;
	if (*pages < end)
		*pages = end;
	return 0;
}

static int add_item(struct parse *p, const struct item *it, uint32_t guest)
{
	struct access_list *l = p->l;
	uint32_t number;

	if (mem_reserve(&l->item, &l->cap, l->n + 1, sizeof(*l->item)))
		return -ENOMEM;
	l->item[l->n++] = *it;
	number = (uint32_t)l->n;
	if (p->last[guest])
		l->item[p->last[guest] - 1].next = number;
	else
		l->first[guest] = number;
	p->last[guest] = number;
	return 0;
}

/* What stands before PATH. */
static int head(struct parse *p, char **word, struct item *it, uint64_t *guest,
		struct err *err)
{
	static const char *const ops[] = {
		[ITEM_READ] = "read",
		[ITEM_WRITE] = "write",
		[ITEM_TRUNCATE] = "truncate",
		[ITEM_UNLINK] = "unlink",
	};

	if (!text_time(word[0], &it->time) || it->time > UINT64_MAX / 4)
		return wrong(p, err, "not a time as 20ms", word[0]);
	if (it->time < p->time)
		return wrong(p, err, "earlier than the line before", word[0]);
	p->time = it->time;
	if (!text_u64(word[1], guest) || *guest >= p->guests)
		return err_set(err, EINVAL,
			       "%s:%" PRIu32 ": %s: there are guests 0 to "
			       "%" PRIu32,
			       p->name, p->line, word[1], p->guests - 1);
	for (it->op = 0; it->op < sizeof(ops) / sizeof(ops[0]); it->op++)
		if (!strcmp(word[2], ops[it->op]))
			return 0;
	return wrong(p, err, "neither read, write, truncate nor unlink",
		     word[2]);
}

static int take_line(struct parse *p, char *line, struct err *err)
{
	static const struct {
		int least, most;
	} words[] = {
		[ITEM_READ] = {4, 6},
		[ITEM_WRITE] = {6, 6},
		[ITEM_TRUNCATE] = {4, 4},
		[ITEM_UNLINK] = {4, 4},
	};
	struct item it = {.line = p->line};
	char *word[WORDS];
	int n = text_words(line, word, WORDS), ret;
	uint64_t guest;

	if (!n)
		return 0;
	if (n < 4)
		return wrong(p, err, "expected TIME GUEST OP PATH", word[0]);
	ret = head(p, word, &it, &guest, err);
	if (ret)
		return ret;
	if (n < words[it.op].least || n > words[it.op].most)
		return err_set(err, EINVAL,
			       "%s:%" PRIu32
			       ": %s takes %d to %d words, not %d",
			       p->name, p->line, word[2], words[it.op].least,
			       words[it.op].most, n);
	it.file = filetree_find(p->t, word[3]);
	if (it.file == FILE_NONE)
		ret = find_fresh(p, word[3], &it.file);
	if (!ret)
		ret = range(p, word, n, &it, err);
	if (!ret && it.op == ITEM_WRITE)
		ret = write_item(p, &it, err);
	return ret ? ret : add_item(p, &it, (uint32_t)guest);
}

/* ---- all of it ---- */

static int lay_out(struct parse *p, struct err *err)
{
	uint32_t file;
	int ret = filetree_grow(p->t, p->pages, err);

	for (size_t i = 0; !ret && i < p->nfresh; i++)
		ret = filetree_add_written(p->t, p->fresh[i].path,
					   p->fresh[i].pages, &file, err);
	return err_prefix(err, ret, "%s", p->name);
}

static int parse_all(struct parse *p, char *text, size_t n, struct err *err)
{
	char *at = text, *line;
	int ret = 0;

	p->pages = mem_zalloc(p->t->tree_files, sizeof(*p->pages));
	p->last = mem_zalloc(p->guests, sizeof(*p->last));
	p->l->first = mem_zalloc(p->guests, sizeof(*p->l->first));
	if (!p->pages || !p->last || !p->l->first)
		return -ENOMEM;
	for (uint32_t f = 0; f < p->t->tree_files; f++)
		p->pages[f] = p->t->file[f].pages;
	while (!ret && (line = text_line(&at, text + n))) {
		p->line++;
		ret = take_line(p, line, err);
	}
	return ret ? ret : lay_out(p, err);
}

int access_list_parse(struct access_list *l, struct filetree *t,
		      const char *name, char *text, size_t n, uint32_t guests,
		      struct err *err)
{
	struct parse p = {.l = l, .t = t, .name = name, .guests = guests};
	int ret = parse_all(&p, text, n, err);

	if (!ret && !l->n)
		ret = err_set(err, EINVAL, "%s: no accesses", name);
	free(p.pages);
	free(p.last);
	free(p.slot);
	mem_release(p.fresh, p.fresh_cap, sizeof(*p.fresh));
	return ret;
}

int access_list_read(struct access_list *l, struct filetree *t,
		     const char *path, uint32_t guests, struct err *err)
{
	char *text;
	size_t n;
	int ret = os_read_all(path, LIST_BYTES_MAX, &text, &n, err);

	if (ret)
		return ret;
	ret = access_list_parse(l, t, path, text, n, guests, err);
	free(text);
	return ret;
}

void access_list_fini(struct access_list *l)
{
	mem_release(l->item, l->cap, sizeof(*l->item));
	free(l->first);
	*l = (struct access_list){0};
}
