//! Positions of what a database does: functions, triggers, views, workflows, limits, rules.

use crate::injection::alphabet::{exact, plain};
use crate::injection::spec::{Name, Spec};

fn class(name: &Name) -> String {
    format!("{}::regclass", exact(&name.sql))
}

/// Names, parameters, settings and bodies of functions.
pub fn functions(s: &mut Spec) {
    let (f, g, h, a, p, q, c) =
        (s.qualified(), s.qualified(), s.qualified(), s.qualified(), s.name(), s.name(), s.name());
    // PL/pgSQL has a variable of this name, which it prefers.
    let p = if p.raw == "found" { s.name() } else { p };
    let (v, w, said, setting) = (s.value(), s.value(), s.line(), s.unescaped());
    let (lit, inner) = (s.lit(&v), s.lit(&w));
    let sql = s.body(&format!(" select {} || {inner} /* {} */ ", p.sql, said.replace("*/", "").replace("/*", "")));
    let plpgsql = s.body(&format!(
        "\ndeclare {} text := {inner};\nbegin\n  if {} is null then raise exception 'no % in {{}} #', {inner}; end if;\n  return {} || current_setting('search_path');\nend\n",
        q.sql, p.sql, q.sql
    ));
    let table = s.body(&format!("select {inner}::text, {}", p.sql));
    let (one, other) = (s.lit(&w), s.lit(&v));
    let atomic = s.body(&format!(" select {one}::text || {other} "));
    s.say(&format!(
        "/// {said}
function {}({}: text = {lit}) -> text immutable as {sql}
function {}({}: text = {lit}) -> text stable language plpgsql set search_path = {} as {plpgsql}
function {}({}: text) -> table ({}: text, {}: text) stable as {table}
function {}() -> text stable as atomic {atomic}",
        f.spec,
        p.spec,
        g.spec,
        p.spec,
        plain(&setting),
        h.spec,
        p.spec,
        q.spec,
        c.spec,
        a.spec
    ));
    s.fact("a function", format!("select {}()", f.sql), format!("{v}{w}"));
    s.fact("a named argument", format!("select {}({} => 'z')", f.sql, p.sql), format!("z{w}"));
    let set =
        format!("select concat({}(), ' ', {}() = {} || quote_ident({}))", g.sql, g.sql, exact(&w), exact(&setting));
    s.fact(
        "a function's setting",
        format!("select case when x like '% t' then 'so' else x end from ({set}) y (x)"),
        "so",
    );
    s.refuses("a message", &format!("select {}(null)", g.sql), "P0001", &[&format!("no {w} in {{}} #")]);
    s.fact("a column of a result", format!("select {} from {}({})", q.sql, h.sql, exact(&v)), &w);
    s.fact("a column of a result", format!("select {} from {}({})", c.sql, h.sql, exact(&v)), &v);
    s.fact("a body that is read", format!("select {}()", a.sql), format!("{w}{v}"));
    s.comment(
        "a function's comment",
        &format!("obj_description('{}(text)'::regprocedure, 'pg_proc')", f.sql.replace('\'', "''")),
        &said,
    );
}

/// Names, conditions, arguments and bodies of triggers.
pub fn triggers(s: &mut Spec) {
    let (t, c, d, f, one, two) = (s.qualified(), s.name(), s.name(), s.qualified(), s.name(), s.name());
    let (v, argument, w) = (s.value(), s.unescaped(), s.value());
    let (lit, inner) = (s.lit(&v), s.lit(&w));
    let own = s.body(&format!(" begin new.{} := new.{} || {inner}; return new; end ", d.sql, d.sql));
    let made = s.body(&format!(" begin new.{} := tg_argv[0]; return new; end ", d.sql));
    s.say(&format!(
        "function {}() -> trigger language plpgsql as {made}
entity {} {{
  id: int key identity
  {}: text
  {}: text = ''
  trigger {} before insert when (new.{} = {lit}) execute {}({})
  trigger {} before update of {} when (old.{} = {lit}) as {own}
  rls off
}}",
        f.spec,
        t.spec,
        c.spec,
        d.spec,
        one.spec,
        c.sql,
        f.spec,
        plain(&argument),
        two.spec,
        c.spec,
        c.sql
    ));
    s.do_first(&format!("insert into {} ({}) values ({}), ({})", t.sql, c.sql, exact(&v), exact(&format!("{v}x"))));
    s.do_first(&format!("update {} set {} = 'new'", t.sql, c.sql));
    s.fact(
        "a trigger's argument and body",
        format!("select {} from {} where id = 1", d.sql, t.sql),
        format!("{argument}{w}"),
    );
    s.fact("a trigger that is not for the row", format!("select {} from {} where id = 2", d.sql, t.sql), "");
    for trigger in [&one, &two] {
        s.counts(
            "a trigger's name",
            &format!("pg_trigger where tgrelid = {} and tgname = {}", class(&t), exact(&trigger.raw)),
            1,
        );
    }
}

/// Views and their columns.
pub fn views(s: &mut Spec) {
    let (t, c, v, m, x, y, i) = (s.qualified(), s.name(), s.qualified(), s.qualified(), s.name(), s.name(), s.name());
    let (text, said) = (s.value(), s.line());
    let (lit, inner) = (s.lit(&text), s.lit(&text));
    let query = s.body(&format!("select id, {} as {}, {lit}::text as {} from {}", c.sql, x.sql, y.sql, t.sql));
    let kept = s
        .body(&format!("select {}, count(*) as n from {} where {} <> {inner} group by {}", c.sql, t.sql, c.sql, c.sql));
    s.say(&format!(
        "entity {} {{
  id: int key identity
  {}: text = 'c'
  rls off
}}
/// {said}
view {} as {query}
materialized view {} as {kept} {{
  unique index {}: ({})
}}",
        t.spec, c.spec, v.spec, m.spec, i.spec, c.spec
    ));
    s.do_first(&format!("insert into {} default values; refresh materialized view {}", t.sql, m.sql));
    s.fact("a view's column", format!("select {} from {}", x.sql, v.sql), "c");
    s.fact("a view's text", format!("select {} from {}", y.sql, v.sql), &text);
    s.fact("a materialized view's column", format!("select {} from {}", c.sql, m.sql), "c");
    s.comment("a view's comment", &format!("obj_description({}, 'pg_class')", class(&v)), &said);
}

/// Steps between labels and texts.
pub fn workflows(s: &mut Spec) {
    let (e, t, c, d, x) = (s.qualified(), s.qualified(), s.name(), s.name(), s.name());
    let l: Vec<Name> = (0..6).map(|_| s.label()).collect();
    let v = s.value();
    let (lit, first) = (s.lit(&v), s.lit(&l[0].raw));
    s.say(&format!(
        "enum {} {{ {}, {}, {} }}
entity {} {{
  id: int key identity
  {}: {} = {first}
  {}: text = {}
  {}: text = ''
  workflow {} {{
    -> {}
    {} -> {} when {} = {lit}
    {} -> {}
  }}
  workflow {} {{
    -> {}
    {} -> {} when {} = {lit}
  }}
  rls off
}}",
        e.spec,
        l[0].spec,
        l[1].spec,
        l[2].spec,
        t.spec,
        c.spec,
        e.spec,
        d.spec,
        plain(&l[3].raw),
        x.spec,
        c.spec,
        l[0].spec,
        l[0].spec,
        plain(&l[1].raw),
        x.sql,
        plain(&l[1].raw),
        l[2].spec,
        d.spec,
        l[3].spec,
        plain(&l[3].raw),
        l[4].spec,
        x.sql
    ));
    s.do_first(&format!("insert into {} default values", t.sql));
    let set = |column: &Name, label: &Name, value: &str| {
        format!("update {} set {} = {}, {} = {}", t.sql, column.sql, exact(&label.raw), x.sql, exact(value))
    };
    s.fact("a step", format!("select probe.said({})", exact(&set(&c, &l[1], &v))), "done");
    s.fact("a step between texts", format!("select probe.said({})", exact(&set(&d, &l[4], &v))), "done");
    s.refuses("a step's condition", &set(&c, &l[1], &format!("{v}x")), "23514", &[&t.raw, &c.raw]);
    s.refuses("a step that is none", &set(&c, &l[2], &v), "23514", &[&t.raw, &c.raw]);
    s.refuses("a step between texts that is none", &set(&d, &l[5], &v), "23514", &[&t.raw, &d.raw]);
}

/// Limits, what is kept by triggers, and what cannot be changed.
pub fn limits(s: &mut Spec) {
    let (o, t, k, r, back, st) = (s.qualified(), s.qualified(), s.name(), s.name(), s.name(), s.name());
    let (n, total, amount, fixed, lim, more) = (s.name(), s.name(), s.name(), s.name(), s.name(), s.name());
    let (v, w, x) = (s.value(), s.value(), s.value());
    let (v, w) = (format!("{v}1"), format!("{w}2"));
    let (a, b, c, d) = (s.lit(&v), s.lit(&w), s.lit(&v), s.lit(&x));
    s.say(&format!(
        "entity {} {{
  {}: text key = {d}
  {}: int = count({} where {} = {a})
  {}: bigint = sum({}.{})
  rls off
}}
entity {} {{
  id: int key identity
  {} -> {} inverse {} on delete cascade
  {}: text = {c}
  {}: bigint = 1
  {}: text = 'f' immutable
  limit {}: {} = {a} per {} to 2 else {} = {b} promote by id
  limit {}: {} = {b} per {} to 1
  rls off
}}",
        o.spec,
        k.spec,
        n.spec,
        back.spec,
        st.sql,
        total.spec,
        back.spec,
        amount.spec,
        t.spec,
        r.spec,
        o.spec,
        back.spec,
        st.spec,
        amount.spec,
        fixed.spec,
        lim.spec,
        st.sql,
        r.spec,
        st.spec,
        more.spec,
        st.sql,
        r.spec
    ));
    s.do_first(&format!("insert into {} default values", o.sql));
    let insert = format!("insert into {} ({}) values ({})", t.sql, r.sql, exact(&x));
    (0..3).for_each(|_| s.do_first(&insert));
    s.fact("a count", format!("select {} from {}", n.sql, o.sql), "2");
    s.fact("a sum", format!("select {} from {}", total.sql, o.sql), "3");
    s.fact("what a limit gives", format!("select {} from {} where id = 3", st.sql, t.sql), &w);
    s.refuses("a limit", &insert, "23514", &[&more.raw]);
    s.refuses(
        "an immutable column",
        &format!("update {} set {} = 'g'", t.sql, fixed.sql),
        "23514",
        &[&t.raw, &fixed.raw],
    );
}

/// Roles, grants, rules and predicates.
pub fn rules(s: &mut Spec) {
    let (role, group, t, c, d, q) = (s.name(), s.name(), s.qualified(), s.name(), s.name(), s.qualified());
    let (one, two, three, four, is, takes, p) = (s.name(), s.name(), s.name(), s.name(), s.name(), s.name(), s.name());
    let v = s.value();
    let l: Vec<String> = (0..6).map(|_| s.lit(&v)).collect();
    s.say(&format!(
        "role {}
role {} in {}
entity {} {{
  id: int key identity
  {}: text
  {}: int = 0
  policy {{
    {}: allow select to {} when {} = {}
    {}: allow delete to {} when {}(this, {})
    {}: allow update to {} using ({} = {} or {} is null) with check ({} <> {})
    {}: forbid insert to {} unless {}(this)
  }}
}}
predicate {}(r: {}) = r.{} = {} or r.{} in ({}, 'zz')
predicate {}(r: {}, {}: text) = r.{} = {}
grant insert ({}) on {} to {}
sequence {}
owner {} of sequence {}",
        group.spec,
        role.spec,
        group.spec,
        t.spec,
        c.spec,
        d.spec,
        one.spec,
        role.spec,
        c.sql,
        l[0],
        two.spec,
        role.spec,
        takes.sql,
        l[1],
        plain(&three.raw),
        role.spec,
        c.sql,
        l[2],
        c.sql,
        c.sql,
        l[3],
        four.spec,
        role.spec,
        is.sql,
        is.spec,
        t.spec,
        c.sql,
        l[4],
        c.sql,
        l[5],
        takes.spec,
        t.spec,
        p.spec,
        c.sql,
        p.sql,
        c.spec,
        t.spec,
        group.spec,
        q.spec,
        role.spec,
        q.spec
    ));
    s.do_first(&format!("insert into {} ({}) values ({}), ({})", t.sql, c.sql, exact(&v), exact(&format!("{v}x"))));
    for (what, column, wanted) in [
        ("r", "polqual", "tf"),
        ("d", "polqual", "tf"),
        ("w", "polqual", "tf"),
        ("w", "polwithcheck", "ft"),
        ("a", "polwithcheck", "tf"),
    ] {
        let condition = format!(
            "select pg_get_expr({column}, polrelid) from pg_policy where polrelid = {} and polcmd = '{what}' and polpermissive = ('{what}' <> 'a')",
            class(&t)
        );
        s.holds("a rule's condition", &t, &condition, wanted);
    }
    s.counts(
        "a policy's name",
        &format!("pg_policy where polrelid = {} and polname = {}", class(&t), exact(&three.raw)),
        1,
    );
    let member = format!(
        "pg_auth_members m join pg_roles a on a.oid = m.roleid join pg_roles b on b.oid = m.member where a.rolname = {} and b.rolname = {}",
        exact(&group.raw),
        exact(&role.raw)
    );
    s.counts("a role's group", &member, 1);
    let may = |role: &Name, action: &str| {
        format!("select has_table_privilege({}, {}, '{action}')", exact(&role.raw), class(&t))
    };
    let owner = format!(
        "pg_class c join pg_roles r on r.oid = c.relowner where c.oid = {} and r.rolname = {}",
        class(&q),
        exact(&role.raw)
    );
    s.counts("an owner", &owner, 1);
    s.fact("a grant", may(&role, "select"), "true");
    let column = |column: &Name| {
        format!("select has_column_privilege({}, {}, {}, 'insert')", exact(&group.raw), class(&t), exact(&column.raw))
    };
    s.fact("a grant of a column", column(&c), "true");
    s.fact("a column that is not granted", column(&d), "false");
}

/// Mixins of the spec's own and of the library.
pub fn mixins(s: &mut Spec) {
    let (m, t, k, c, d) = (s.name(), s.qualified(), s.name(), s.name(), s.name());
    let v = s.value();
    let (lit, given) = (s.lit(&v), s.lit(&v));
    s.say(&format!(
        "mixin {}(column = {}, filled = {given}) {{
  $column: text = $filled
  index ($column) where $column <> {lit}
}}
entity {} {{
  {}: int key
  {}: text = 'd'
  use {}, timestamps, audited, versioned, history, soft_delete
  rls off
}}",
        m.spec, c.spec, t.spec, k.spec, d.spec, m.spec
    ));
    s.do_first(&format!("insert into {} ({}) values (1), (2)", t.sql, k.sql));
    s.do_first(&format!("update {} set {} = 'e' where {} = 1", t.sql, d.sql, k.sql));
    s.do_first(&format!("delete from {} where {} = 2", t.sql, k.sql));
    s.fact("a mixin's default", format!("select {} from {} where {} = 1", c.sql, t.sql, k.sql), &v);
    s.counts("a row that is only marked", &format!("{} where deleted_at is not null", t.sql), 1);
    let own = s.default_schema.sql.clone();
    s.counts(
        "the audit log",
        &format!("{own}.audit_log where table_name = {} and new_data ->> {} is not null", exact(&t.raw), exact(&k.raw)),
        4,
    );
    s.counts(
        "the history",
        &format!("{own}.row_history where table_name = {} and data ->> {} = 'd'", exact(&t.raw), exact(&d.raw)),
        2,
    );
}

/// Blocks of SQL.
pub fn blocks(s: &mut Spec) {
    let (n, f) = (s.name(), s.qualified());
    let v = s.value();
    let inner = exact(&v);
    let up = s.body(&format!(
        "create function {}() returns text language sql as $in$ select {}::text $in$",
        f.sql,
        inner.replace("$in$", "")
    ));
    let down = s.body(&format!("drop function {}()", f.sql));
    s.say(&format!("sql {}\n  provides function {}\n  {up}\n  down {down}", n.spec, f.spec));
    s.fact("a block", format!("select {}()", f.sql), v.replace("$in$", ""));
}

/// Tables and columns that the functions about a person, and those about old rows, name.
pub fn persons(s: &mut Spec) {
    let (t, u, w, key, text, owner, at) =
        (s.qualified(), s.qualified(), s.qualified(), s.name(), s.name(), s.name(), s.name());
    let v = s.value();
    s.say(&format!(
        "entity {} {{
  {}: int key
  {}: text pii
  use audited
  rls off
}}
entity {} {{
  id: int key
  {} -> {} inverse of_it
  {}: text? secret
  rls off
}}
entity {} {{
  {}: int key
  {}: text pii
  {}: date
  retain 1 day from {}
  rls off
}}
person {} {{
  {} by {} = {} ({})
}}",
        t.spec,
        key.spec,
        text.spec,
        u.spec,
        owner.spec,
        t.spec,
        text.spec,
        w.spec,
        key.spec,
        text.spec,
        at.spec,
        at.spec,
        t.spec,
        w.spec,
        text.spec,
        t.spec,
        text.spec
    ));
    let value = exact(&v);
    s.do_first(&format!("insert into {} values (1, {value}), (2, {value} || '2')", t.sql));
    s.do_first(&format!("insert into {} values (1, 1, {value}), (2, 2, {value})", u.sql));
    s.do_first(&format!(
        "insert into {} values (1, {value}, '2000-01-01'), (2, {value}, now() + interval '1 day'), (3, {value} || '3', now())",
        w.sql
    ));
    let schema = s.helper_schema.sql.clone();
    s.do_first(&format!("select {schema}.erase_person(1)"));
    s.fact(
        "what is erased",
        format!("select x.{} like 'erased%' from {} x where x.{} = 1", text.sql, t.sql, key.sql),
        "true",
    );
    s.fact("what is not", format!("select {} from {} where {} = 2", text.sql, t.sql, key.sql), format!("{v}2"));
    s.counts("a secret", &format!("{} x where x.{} is null", u.sql, text.sql), 1);
    s.counts("what is found by a value", &format!("{} x where x.{} like 'erased%'", w.sql, text.sql), 2);
}
