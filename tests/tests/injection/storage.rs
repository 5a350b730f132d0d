//! Positions of what is stored: types, tables, columns, constraints, indexes, rows.

use crate::injection::alphabet::{exact, plain};
use crate::injection::spec::{Name, Spec};

fn class(name: &Name) -> String {
    format!("{}::regclass", exact(&name.sql))
}

fn ty(name: &Name) -> String {
    format!("{}::regtype", exact(&name.sql))
}

/// A default of each kind, and comments.
pub fn fields(s: &mut Spec) {
    let (t, c, j, a, b, ch) = (s.qualified(), s.name(), s.name(), s.name(), s.name(), s.name());
    let (of_table, of_column) = (s.line(), s.line());
    let (v, one, two) = (s.value(), s.value(), s.value());
    let json = serde_json::json!({ &one: &two }).to_string();
    let (lit, json_lit, first, second) = (s.lit(&v), s.lit(&json), s.lit(&one), s.lit(&two));
    let hex: String = v.bytes().map(|b| format!("{b:02x}")).collect();
    let reason = s.unescaped();
    s.say(&format!(
        "/// {of_table}
entity {} {{
  id: int key identity
  /// {of_column}
  {}: text = {lit}
  {}: jsonb = {json_lit} deprecated {}
  {}: text[] = array[{first}, {second}]
  {}: bytea = '\\x{hex}'
  {}: varchar(300) = {lit}
  rls off
}}",
        t.spec,
        c.spec,
        j.spec,
        plain(&reason),
        a.spec,
        b.spec,
        ch.spec
    ));
    s.do_first(&format!("insert into {} default values", t.sql));
    s.fact("a default", format!("select {} from {}", c.sql, t.sql), &v);
    s.fact("a default in JSON", format!("select {} ->> {} from {}", j.sql, exact(&one), t.sql), &two);
    s.fact("a default in an array", format!("select {}[1] from {}", a.sql, t.sql), &one);
    s.fact("a default in an array", format!("select {}[2] from {}", a.sql, t.sql), &two);
    s.fact("a default in bytes", format!("select encode({}, 'hex') from {}", b.sql, t.sql), hex);
    s.fact("a default of a varchar", format!("select {} from {}", ch.sql, t.sql), &v);
    s.comment("a table's comment", &format!("obj_description({}, 'pg_class')", class(&t)), &of_table);
    s.comment("a column's comment", &format!("col_description({}, 2)", class(&t)), &of_column);
}

/// Shapes of JSON, whose keys and labels stand in a path in a text.
pub fn shapes(s: &mut Spec) {
    let (e, t, c, one, two) = (s.qualified(), s.qualified(), s.name(), s.name(), s.name());
    let label = s.name();
    s.say(&format!("enum {} {{ {} }}", e.spec, label.spec));
    s.say(&format!(
        "entity {} {{
  id: int key identity
  {}: jsonb shape {{ {}: {}, {}: {{ {}: text[] }}? }}
  rls off
}}",
        t.spec, c.spec, one.spec, e.spec, two.spec, one.spec
    ));
    let (key, value) = (exact(&one.raw), exact(&label.raw));
    s.do_first(&format!("insert into {} ({}) values (jsonb_build_object({key}, {value}))", t.sql, c.sql));
    s.fact("a key of a shape", format!("select {} ->> {key} from {}", c.sql, t.sql), &label.raw);
}

/// Checks and generated columns.
pub fn conditions(s: &mut Spec) {
    let (t, c, g, n) = (s.qualified(), s.name(), s.name(), s.name());
    let v = s.value();
    let other = format!("{v}x");
    let (lit, start) = (s.lit(&v), s.lit(&other));
    s.say(&format!(
        "entity {} {{
  id: int key identity
  {}: text = {start}
  {}: text generated (replace({}, {lit}, 'y'))
  check {}: {} <> {lit}
  check {} not in ({lit}, 'zz') or {} = {lit}
  rls off
}}",
        t.spec, c.spec, g.spec, c.sql, n.spec, c.sql, c.sql, c.sql
    ));
    s.do_first(&format!("insert into {} default values", t.sql));
    let wanted = if v.is_empty() { "x".to_owned() } else { other.replace(&v, "y") };
    s.fact("a generated column", format!("select {} from {}", g.sql, t.sql), wanted);
    let insert = format!("insert into {} ({}) values ({})", t.sql, c.sql, exact(&v));
    s.refuses("a check", &insert, "23514", &[&t.raw, &n.raw]);
}

/// Enums, domains, composites and sequences.
pub fn types(s: &mut Spec) {
    let (e, l1, l2, l3) = (s.qualified(), s.name(), s.label(), s.label());
    let (d, dn, k, f1, f2, q) = (s.qualified(), s.name(), s.qualified(), s.name(), s.name(), s.qualified());
    let (t, c, cd, cq) = (s.qualified(), s.name(), s.name(), s.name());
    let (v, said) = (s.value(), s.line());
    let wrong = format!("{v}!");
    let (lit, bad, label, seq) = (s.lit(&v), s.lit(&wrong), s.lit(&l2.raw), s.lit(&q.sql));
    s.say(&format!(
        "enum {} {{
  {}
  /// {said}
  {}
  {}
}}
domain {}: text = {lit} {{ check {}: value <> {bad} }}
composite {} {{ {}: text, {}: int }}
sequence {} {{ start 5 }}
/// {said}
entity {} {{
  id: int key identity
  {}: {} = {label}
  {}: {}
  {}: bigint = nextval({seq})
  check {} <> {}
  rls off
}}",
        e.spec,
        l1.spec,
        plain(&l2.raw),
        l3.spec,
        d.spec,
        dn.spec,
        k.spec,
        f1.spec,
        f2.spec,
        q.spec,
        t.spec,
        c.spec,
        e.spec,
        cd.spec,
        d.spec,
        cq.spec,
        c.sql,
        plain(&l1.raw)
    ));
    s.do_first(&format!("insert into {} default values", t.sql));
    let labels =
        format!("select enumlabel from pg_enum where enumtypid = {} order by enumsortorder limit 1 offset ", ty(&e));
    for (at, label) in [&l1, &l2, &l3].into_iter().enumerate() {
        s.fact("a label", format!("{labels}{at}"), &label.raw);
    }
    s.fact("a label as a default", format!("select {}::text from {}", c.sql, t.sql), &l2.raw);
    s.fact("a domain's default", format!("select {} from {}", cd.sql, t.sql), &v);
    s.fact("a sequence", format!("select {} from {}", cq.sql, t.sql), "5");
    s.refuses("a domain's check", &format!("select {}::{}", exact(&wrong), d.sql), "23514", &[&dn.raw]);
    s.fact("a composite", format!("select (row({}, 1)::{}).{}", exact(&v), k.sql, f1.sql), &v);
    s.refuses(
        "a label in a check",
        &format!("insert into {} ({}) values ({})", t.sql, c.sql, exact(&l1.raw)),
        "23514",
        &[&t.raw],
    );
}

/// Names of constraints and indexes, and the conditions of indexes.
pub fn keys(s: &mut Spec) {
    let (t, k, u, i, ui, x) = (s.qualified(), s.name(), s.name(), s.name(), s.name(), s.name());
    let (a, b, r) = (s.name(), s.name(), s.name());
    let v = s.value();
    let lit = s.lit(&v);
    s.say(&format!(
        "entity {} {{
  id: int
  {}: text
  {}: int = 0
  {}: int4range = 'empty'
  key {}: (id)
  unique {}: ({}, {})
  index {}: ({} desc, (lower({}) || {lit})) where {} = {lit}
  unique index {}: (lower({})) include ({}) where {} <> {lit}
  exclude {}: using gist ({} with &&) where {} = {lit}
  with (fillfactor = 80)
  rls off
}}",
        t.spec,
        a.spec,
        b.spec,
        r.spec,
        k.spec,
        u.spec,
        a.spec,
        b.spec,
        i.spec,
        b.spec,
        a.sql,
        a.sql,
        ui.spec,
        a.sql,
        b.spec,
        a.sql,
        x.spec,
        r.spec,
        a.sql
    ));
    s.do_first(&format!(
        "insert into {} (id, {}) values (1, {}), (2, {})",
        t.sql,
        a.sql,
        exact(&v),
        exact(&format!("{v}x"))
    ));
    for constraint in [&k, &u, &x] {
        let rows = format!("pg_constraint where conrelid = {} and conname = {}", class(&t), exact(&constraint.raw));
        s.counts("a constraint's name", &rows, 1);
    }
    for (index, wanted) in [(&i, "tf"), (&ui, "ft"), (&x, "tf")] {
        let condition = format!(
            "select pg_get_expr(indpred, indrelid) from pg_index x join pg_class c on c.oid = x.indexrelid where x.indrelid = {} and c.relname = {}",
            class(&t),
            exact(&index.raw)
        );
        s.holds("an index's condition", &t, &condition, wanted);
    }
}

/// References and their paths.
pub fn references(s: &mut Spec) {
    let (a, b, k, r, path, back, fk) = (s.qualified(), s.qualified(), s.name(), s.name(), s.name(), s.name(), s.name());
    let v = s.value();
    let lit = s.lit(&v);
    s.say(&format!(
        "entity {} {{
  {}: text key = {lit}
  rls off
}}
entity {} {{
  id: int key identity
  {} -> {} as {} inverse {} on delete cascade constraint {}
  rls off
}}",
        a.spec, k.spec, b.spec, r.spec, a.spec, path.spec, back.spec, fk.spec
    ));
    s.do_first(&format!(
        "insert into {} default values; insert into {} ({}) values ({})",
        a.sql,
        b.sql,
        r.sql,
        exact(&v)
    ));
    s.counts(
        "a foreign key's name",
        &format!("pg_constraint where conrelid = {} and conname = {}", class(&b), exact(&fk.raw)),
        1,
    );
    s.counts("a reference", &format!("{} join {} on {}.{} = {}.{}", a.sql, b.sql, a.sql, k.sql, b.sql, r.sql), 1);
}

/// Names and bounds of partitions.
pub fn partitions(s: &mut Spec) {
    let (t, c, one, rest) = (s.qualified(), s.name(), s.qualified(), s.qualified());
    let v = s.value();
    let lit = s.lit(&v);
    s.say(&format!(
        "entity {} {{
  id: int
  {}: text
  key (id, {})
  partition by list ({})
  partition {} in ({lit}, 'other')
  partition {} default
  rls off
}}",
        t.spec, c.spec, c.spec, c.spec, one.spec, rest.spec
    ));
    s.do_first(&format!(
        "insert into {} (id, {}) values (1, {}), (2, {})",
        t.sql,
        c.sql,
        exact(&v),
        exact(&format!("{v}x"))
    ));
    s.fact("a partition's bound", format!("select id from {}", one.sql), "1");
    s.fact("the partition of the rest", format!("select id from {}", rest.sql), "2");
}

/// Rows of every environment, in columns of many types.
pub fn seeds(s: &mut Spec) {
    let (e, l, t, b, row) = (s.qualified(), s.label(), s.qualified(), s.qualified(), s.name());
    let c: Vec<Name> = (0..8).map(|_| s.name()).collect();
    let (r, v, one) = (s.name(), s.value(), s.value());
    let json = serde_json::json!([&v, { &v: &one }]).to_string();
    let hex: String = one.bytes().map(|b| format!("{b:02x}")).collect();
    let (lit, json_lit, first, label, lc) = (s.lit(&v), s.lit(&json), s.lit(&one), s.lit(&l.raw), s.lit(&v));
    s.say(&format!(
        "enum {} {{ {}, 'zz' }}
entity {} {{
  {}: text key
  {}: varchar(400)
  {}: char(400)
  {}: json
  {}: jsonb
  {}: text[]
  {}: bytea
  {}: {}
  rls off
}}
entity {} {{
  id: int key
  {} -> {}
  rls off
}}
seed base {{
  {} {} {{
    {}: {lit}, {}: {lit}
    {}: {lc}
    {}: {json_lit}, {}: {json_lit}
    {}: array[{lit}, {first}]
    {}: '\\x{hex}'
    {}: {label}
  }}
  {} {{ id: 1, {}: {} }}
}}",
        e.spec,
        l.spec,
        t.spec,
        c[0].spec,
        c[1].spec,
        c[2].spec,
        c[3].spec,
        c[4].spec,
        c[5].spec,
        c[6].spec,
        c[7].spec,
        e.spec,
        b.spec,
        r.spec,
        t.spec,
        t.spec,
        row.spec,
        c[0].spec,
        c[1].spec,
        c[2].spec,
        c[3].spec,
        c[4].spec,
        c[5].spec,
        c[6].spec,
        c[7].spec,
        b.spec,
        r.spec,
        row.spec
    ));
    let of = |at: usize, after: &str| format!("select {}{after} from {}", c[at].sql, t.sql);
    s.fact("a seed's text", of(0, ""), &v);
    s.fact("a seed's varchar", of(1, ""), &v);
    s.fact("a seed's char", of(2, ""), v.trim_end_matches(' '));
    s.fact("a seed's JSON", of(3, " ->> 0"), &v);
    s.fact("a seed's JSON", of(4, &format!(" -> 1 ->> {}", exact(&v))), &one);
    s.fact("a seed's array", of(5, "[1]"), &v);
    s.fact("a seed's array", of(5, "[2]"), &one);
    s.fact("a seed's bytes", format!("select encode({}, 'hex') from {}", c[6].sql, t.sql), hex);
    s.fact("a seed's label", of(7, "::text"), &l.raw);
    s.fact("a seed's reference", format!("select {} from {}", r.sql, b.sql), &v);
}

/// A column for search.
pub fn search(s: &mut Spec) {
    let (t, c, n) = (s.qualified(), s.name(), s.name());
    s.say(&format!(
        "entity {} {{
  id: int key identity
  {}: text
  search {}: ({} A)
  rls off
}}",
        t.spec, c.spec, n.spec, c.spec
    ));
    s.do_first(&format!("insert into {} ({}) values ('running')", t.sql, c.sql));
    s.counts("a search", &format!("{} where {} @@ to_tsquery('english', 'run')", t.sql, n.sql), 1);
}
