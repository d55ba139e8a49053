/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/rbtree.h"
#include "sim/run/scenario_tmem.h"

/* Appends to the answer; what does not fit is cut off, with "…" in its place. */
static void show(struct tmem_script *sc, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void show(struct tmem_script *sc, const char *fmt, ...)
{
	size_t at = strlen(sc->got), room = sizeof(sc->got) - at;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(sc->got + at, room, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room)
		memcpy(sc->got + sizeof(sc->got) - 4, "...", 4);
}

void tmem_show_state(struct tmem_script *sc)
{
	const struct tmem_stats *s = &sc->host->stats;

	show(sc,
	     "[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	     ",%" PRIu64 "|%" PRIu64 ",%" PRIu64 "]",
	     s->eph.now, s->objects.now, s->nodes.now, s->pages.now,
	     s->frames.now, s->pcds.now, s->good_eph_puts, s->matched);
}

void tmem_show_list(struct tmem_script *sc, uint32_t client)
{
	const struct tmem *t = sc->host;
	enum tmem_list l = client ? TMEM_OWN : TMEM_ALL;
	uint32_t head = client ? tmem_client_at(t, client)->head : t->head;
	const char *blank = "";

	for (uint32_t p = tmem_page_at(t, head)->link[l].next; p != head;
	     p = tmem_page_at(t, p)->link[l].next) {
		const struct tmem_page *pg = tmem_page_at(t, p);
		const struct tmem_object *o = tmem_object_at(t, pg->object);
		uint32_t owner = tmem_pool_at(t, o->pool)->owner;

		show(sc, "%s%" PRIu32 "/%" PRIu64 ":%" PRIu32 "%s", blank,
		     tmem_client_at(t, owner)->id, o->oid[0], pg->index,
		     pg->flags & TMEM_TRIED ? "a1" : "");
		blank = " ";
	}
	if (!*sc->got)
		show(sc, "-");
}

/* ---- trees ---- */

void tmem_show_order(struct tmem_script *sc, uint8_t shard)
{
	const struct tmem *t = sc->host;
	const struct rb_tree tree = {.base = t->pcd.base,
				     .stride = t->pcd.size,
				     .root = t->root[shard]};
	const char *blank = "";

	for (uint32_t i = rb_first(&tree); i; i = rb_next(&tree, i)) {
		show(sc, "%s%s", blank,
		     tmem_page_name(&sc->pages, tmem_pcd_at(t, i)->content));
		blank = " ";
	}
	if (!*sc->got)
		show(sc, "-");
}

/* NAME, a star when red, and in brackets what is left and right of it. */
static void show_node(struct tmem_script *sc, uint32_t i)
{
	const struct tmem_pcd *y;

	if (!i) {
		show(sc, ".");
		return;
	}
	y = tmem_pcd_at(sc->host, i);
	show(sc, "%s%s", tmem_page_name(&sc->pages, y->content),
	     y->up & 1 ? "" : "*");
	if (!y->left && !y->right)
		return;
	show(sc, "(");
	show_node(sc, y->left);
	show(sc, ",");
	show_node(sc, y->right);
	show(sc, ")");
}

void tmem_show_tree(struct tmem_script *sc, uint8_t shard)
{
	show_node(sc, sc->host->root[shard]);
}

/* ---- figures ---- */

/* The value behind ",KEY:" in @line, into @out; false: no such key. */
static bool value_of(const char *line, const char *key, size_t n, char *out,
		     size_t room)
{
	const char *p = strchr(line, '=');

	while (p) {
		p++;
		if (!strncmp(p, key, n) && p[n] == ':') {
			size_t len = strcspn(p + n + 1, ",\n");

			if (len >= room)
				return false;
			memcpy(out, p + n + 1, len);
			out[len] = '\0';
			return true;
		}
		p = strpbrk(p, ",\n");
		if (p && *p == '\n')
			break;
	}
	return false;
}

int tmem_show_keys(struct tmem_script *sc, const char *line, char **want, int n)
{
	char *text = NULL, *at, value[32];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int ret = 0;

	if (!out)
		return -ENOMEM;
	tmem_list(sc->host, out);
	if (fclose(out))
		ret = -ENOMEM;
	at = text;
	while (!ret && at && strncmp(at, line, strlen(line))) {
		at = strchr(at, '\n');
		at = at && at[1] ? at + 1 : NULL;
	}
	if (!ret && !at)
		ret = tmem_say(sc, "there is no line", line);
	for (int i = 0; !ret && i < n; i++) {
		size_t len = strcspn(want[i], "=");

		if (!value_of(at, want[i], len, value, sizeof(value)))
			ret = tmem_say(sc, "no such key:", want[i]);
		else
			show(sc, "%s%.*s=%s", i ? " " : "", (int)len, want[i],
			     value);
	}
	free(text);
	return ret;
}
