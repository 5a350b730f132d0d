//! A random spec whose names are symbols, written under two sets of names.
//!
//! In a template `@t1@` is the name that has this symbol, `@=t1@` says in the second text what it `was`, and `@'l1@` is a
//! label as a literal. `#` is the number of the part, `%` that of a table before it.

use specc_tests::Dice;
use std::collections::BTreeMap;

/// Tables, with what is written about them. A second name may be that of a type of Postgres, which then has to be said with
/// its schema.
const ENTITIES: &[&str] = &[
    "entity @t#@@=t#@ {
  @cid#@: int identity  key @=cid#@
  @ca#@: pg_catalog.text = 'x' @=ca#@
  @cb#@: @e0@ = @'l0@ @=cb#@
  @cc#@: int = 0 @=cc#@

  check @ia#@: @cc#@ >= 0 and length(@ca#@) < 100
  index @ib#@: (@cc#@ desc) where @cb#@ <> @'l1@ @=ib#@
  unique @ic#@: (@ca#@, @cc#@)

  policy {
    @pa#@: allow select to READER when @ca#@ = 'x' or @cb#@ = @'l1@ @=pa#@
    @pb#@: allow update to READER when exists (select 1 from @tz@ o where o.@czc@ = this.@cc#@ and @cza@ <> @'l1@) @=pb#@
  }
}
",
    "entity @t#@@=t#@ {
  @cid#@: int identity  key @=cid#@
  @cr#@ -> @t%@? as @na#@ inverse @nb#@ on delete cascade @=cr#@
  @ca#@: pg_catalog.text? @=ca#@
  @cg#@: pg_catalog.text? generated (upper(@ca#@)) @=cg#@

  index @ib#@: (lower(@ca#@)) @=ib#@

  policy {
    @pa#@: allow select to READER when @q#@(this) @=pa#@
    @pb#@: allow delete to READER when @ca#@ in ('a', 'b') @=pb#@
  }
}
predicate @q#@(r: @t#@) = r.@ca#@ = 'x' or exists (select 1 from @t%@ o where o.@cid%@ = r.@cr#@)
",
    "entity @t#@@=t#@ {
  @cid#@: int identity  key @=cid#@
  @cr#@ -> @t%@? as @na#@ inverse @nb#@ @=cr#@
  @cd#@: @d0@? @=cd#@
  @cb#@: @e0@? @=cb#@
  @cn#@: numeric(10, 2) = 1 @=cn#@

  check @ia#@: @cb#@ is null or @cb#@ in (@'l0@, @'l1@)
  rls off

  trigger @g#@@=g#@ before update of @cn#@ for each row when (new.@cn#@ <> old.@cn#@) execute @ft@()
}
",
];

/// What stands beside a table.
const PARTS: &[&str] = &[
    "view @v#@ @=v#@ as $$ select o.@cid%@, o.@cid%@ + 1 as more from @t%@ o where o.@cid%@ > 0 $$\n",
    "view @v#@ @=v#@ as $$ select max(@cid%@) as most from @t%@ $$\n",
    "function @f#@(least: int) -> bigint stable @=f#@ as $$ select count(*) from @t%@ where @t%@.@cid%@ > least $$\n",
    "function @f#@(given: int) -> int stable language plpgsql @=f#@ as $$
declare
  found_row @t%@%rowtype;
begin
  select * into found_row from @t%@ where @t%@.@cid%@ = given;
  return found_row.@cid%@;
end $$\n",
    "function @f#@() -> bigint stable @=f#@ as $$
  select count(j.@cid%@) from @t%@ o join @t%@ p using (@cid%@) as j where o.@cid%@ > 0 and j.@cid%@ < 100
$$\n",
    "function @f#@(given: int) -> int stable language plpgsql @=f#@ as $$
declare
  c cursor (least int) for select o.@cid%@ from @t%@ o where o.@cid%@ > least for update of o;
  found_row record;
begin
  open c(least := given);
  fetch c into found_row;
  perform 1 from only @t%@ o, @tz@ p where o.@cid%@ = found_row.@cid%@ for no key update of o, p;
  return found_row.@cid%@;
exception
  when no_data_found or sqlstate '22012' then raise check_violation using message = sqlerrm;
end $$\n",
    "function @f#@(r: public.@t%@) -> boolean stable @=f#@ as $$ select r.@cid%@ > 1 $$
policy on @t%@ { @pf#@: forbid select to READER when @f#@(this) @=pf#@ }\n",
    "promise 'part #' on @t0@ {
  deny select, update to READER unless @ca0@ = 'x' or @cb0@ = @'l1@
  deny update (@cc0@) to READER when @cc0@ > 5
  allow insert to READER when @cid0@ = 7
}\n",
    "seed dev { @tz@ row# { @czc@: 10#, @cza@: @'l0@ } }
scenario 'part #' {
  given { @tz@ more# { @czc@: 20#, @cza@: @'l1@ } }
  as role READER {
    @t%@ -> none
    deny insert @tz@ { @czc@: 30#, @cza@: @'l2@ }
    deny update more# { @cza@: @'l0@ }
    deny delete row#
  }
}\n",
    "function @f#@(int) -> int immutable @=f#@ as $$ select $1 * 2 $$
view @v#@ @=v#@ as $$ select @f#@(o.@cid%@) as twice from @t%@ o $$\n",
];

const HEAD: &str = "role READER
enum @e0@@=e0@ { @l0@@=l0@, @l1@@=l1@, @l2@@=l2@ }
domain @d0@@=d0@: pg_catalog.text { check value <> '' }
entity @tz@@=tz@ {  accept W0619 'nobody looks it up'
  @czc@: int  key @=czc@
  @cza@: @e0@ = @'l2@ @=cza@
  rls off
}
function @ft@() -> trigger language plpgsql @=ft@ as $$ begin return new; end $$
";

/// Second names: words of SQL, types, and what has to be quoted.
const WORDS: &[&str] = &[
    "order", "user", "text", "date", "uuid", "table", "select", "Größe", "a b", "it's", "int4", "time", "limit",
    "x\"y", "Mixed", "group", "check", "jsonb", "value", "json", "end", "with", "row", "name", "now", "key", "index",
];

/// A spec under its first and its second names.
pub struct Spec {
    text: String,
    /// Symbol to its two names.
    names: BTreeMap<String, [String; 2]>,
}

impl Spec {
    pub fn random(dice: &mut Dice, seed: u64) -> Self {
        let mut text = HEAD.to_owned();
        let tables = 1 + dice.below(4);
        for at in 0..tables {
            // The first has nothing to refer to.
            let form = if at == 0 { 0 } else { dice.below(ENTITIES.len()) };
            text += &numbered(ENTITIES[form], at, dice.below(at.max(1)));
        }
        for at in 0..dice.below(4) {
            text += &numbered(PARTS[dice.below(PARTS.len())], tables + at, dice.below(tables));
        }
        // Roles belong to the whole server, on which others run.
        let text = text.replace("READER", &format!("renaming_{seed}"));
        let mut spec = Self { text, names: BTreeMap::new() };
        for symbol in symbols(&spec.text) {
            if !spec.names.contains_key(&symbol) {
                let second = spec.second(dice, &symbol);
                let first = format!("zq{}{}", spec.names.len(), symbol.chars().next().unwrap_or('x'));
                spec.names.insert(symbol, [first, second]);
            }
        }
        spec
    }

    /// A name that nothing of its kind has, often one that something of another kind has.
    fn second(&self, dice: &mut Dice, symbol: &str) -> String {
        let n = self.names.len();
        let taken: Vec<&str> = self.names.values().map(|[_, second]| second.as_str()).collect();
        // Columns of different tables, labels and parameters may share their names with everything.
        let shares = symbol.starts_with(['c', 'l', 'x']);
        let word = WORDS[dice.below(WORDS.len())];
        if dice.once_in(3) || symbol.starts_with('f') || (!shares && taken.contains(&word)) {
            return format!("{word} {n}").replace(' ', if dice.once_in(2) { "_" } else { " " });
        }
        let own = symbol.trim_start_matches(|c: char| c.is_alphabetic());
        let beside = self.names.iter().filter(|(other, _)| other.ends_with(own) || symbol.starts_with('l'));
        match beside.into_iter().any(|(_, [_, second])| second == word) {
            true => format!("{word}{n}"),
            false => word.to_owned(),
        }
    }

    /// The text under the first names, and under the second.
    pub fn texts(&self) -> [String; 2] {
        [0, 1].map(|side| {
            let mut out = String::new();
            for (at, part) in self.text.split('@').enumerate() {
                if at.is_multiple_of(2) {
                    out.push_str(part);
                } else if let Some(label) = part.strip_prefix('\'') {
                    out.push_str(&format!("'{}'", self.names[label][side].replace('\'', "''")));
                } else if let Some(declared) = part.strip_prefix('=') {
                    if side == 1 {
                        out.push_str(&format!(" was {}", self.names[declared][0]));
                    }
                } else {
                    out.push_str(&format!("\"{}\"", self.names[part][side].replace('"', "\"\"")));
                }
            }
            out
        })
    }

    /// `text` with the first names exchanged for the second, without quotes.
    pub fn exchanged(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut names: Vec<&[String; 2]> = self.names.values().collect();
        names.sort_by_key(|[first, _]| std::cmp::Reverse(first.len()));
        for [first, second] in names {
            text = text.replace(first.as_str(), second);
        }
        self.bare(&text)
    }

    /// Whether a type or table is called like a type that Postgres brings: those who go by the name alone take it for that.
    pub fn has_names_of_types(&self) -> bool {
        let types = self.names.iter().filter(|(symbol, _)| symbol.starts_with(['d', 'e', 't']));
        types.into_iter().any(|(_, [_, second])| specc_facts::canonical_type(second).is_some())
    }

    /// `text` without what quoting adds.
    pub fn bare(&self, text: &str) -> String {
        text.replace(['"', '\\'], "").replace("''", "'")
    }
}

/// A template as the part with this number, beside table `of`.
fn numbered(template: &str, at: usize, of: usize) -> String {
    let mut out = String::new();
    for (n, part) in template.split('@').enumerate() {
        if n > 0 {
            out.push('@');
        }
        match n.is_multiple_of(2) {
            true => out.push_str(&part.replace('#', &at.to_string())),
            false => out.push_str(&part.replace('#', &at.to_string()).replace('%', &of.to_string())),
        }
    }
    out
}

/// The symbols of a text, in the order of their first mention.
fn symbols(text: &str) -> Vec<String> {
    let inside = text.split('@').enumerate().filter(|(at, _)| !at.is_multiple_of(2)).map(|(_, part)| part);
    let mut found: Vec<String> = Vec::new();
    for symbol in inside.map(|part| part.trim_start_matches(['\'', '='])) {
        if !found.iter().any(|known| known == symbol) {
            found.push(symbol.to_owned());
        }
    }
    found
}
