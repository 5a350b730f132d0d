//! Maintained counts and sums, moved by the difference that each statement makes, never recounted; and the locks on
//! the parents of what a statement changed.
//!
//! One trigger keeps all values of a parent table. It first locks every parent that the statement concerns, in key
//! order, those of limits included: what comes later (`limit`) finds its locks held. A difference is right whoever else
//! writes: the update of a parent waits for others that hold it and then adds to what they left.

use super::limit::{Owner, Places, gate, lock_asked};
use super::plpgsql::{Rows, column, columns, condition, equal, indented, list, present, table, within};
use super::{Attach, Routine, trigger_function};
use crate::structure::tables::zero;
use crate::structure::{Room, table_of};
use specc_catalog::{Count, Dependency, SqlExpr};
use specc_diag::Span;
use specc_facts::Family;
use specc_model::{Base, Entity, Expr, FieldIx, Maintained, MaintainedFunction, Model, Relation};
use specc_sql::quote::ident;

/// A maintained field with all that it is about.
pub(super) struct Kept<'a> {
    pub model: &'a Model,
    pub parent: &'a Entity,
    pub field: FieldIx,
    pub maintained: &'a Maintained,
    pub relation: &'a Relation,
    pub child: &'a Entity,
}

/// The maintained fields of an entity.
pub(super) fn kept_by<'a>(model: &'a Model, parent: &'a Entity) -> Vec<Kept<'a>> {
    let fields = parent.fields.iter().enumerate();
    let kept = fields.filter_map(|(field, f)| {
        let maintained = f.maintained.as_deref()?;
        let relation = model.relation(maintained.relation);
        Some(Kept { model, parent, field, maintained, relation, child: model.entity(relation.from) })
    });
    kept.collect()
}

impl Kept<'_> {
    /// The rows that are counted can be there before their parent.
    pub fn may_come_late(&self) -> bool {
        self.relation.options.deferrable || self.relation.options.initially_deferred
    }

    pub fn zero(&self) -> &'static str {
        zero(&self.parent.fields[self.field])
    }

    pub fn summed(&self) -> Option<String> {
        match self.maintained.function {
            MaintainedFunction::Count => None,
            MaintainedFunction::Sum => self.maintained.field.map(|f| column(self.child, f)),
        }
    }

    pub fn filter(&self) -> Option<String> {
        self.maintained.filter.as_ref().map(|f| condition(self.model, self.child, "r", f))
    }

    /// The value, worked out from the rows that are there.
    fn anew(&self, row: &str, parent: &str) -> String {
        let references = columns(self.model, self.child, &self.relation.fields);
        let keys = columns(self.model, self.parent, &self.relation.to_fields);
        let mut tests = vec![equal(row, &references, parent, &keys)];
        tests.extend(self.maintained.filter.as_ref().map(|f| condition(self.model, self.child, row, f)));
        let total = match self.summed() {
            None => "count(*)".to_owned(),
            Some(column) => format!("coalesce(sum({row}.{column}), {})", self.zero()),
        };
        format!("(select {total} from {} {row} where {})", table(self.child), tests.join(" and "))
    }

    /// Whether a row has a value that leaves nothing when it is taken away from a sum again: `NaN`, infinity.
    fn not_finite(&self) -> Option<String> {
        let summed = &self.child.fields[self.maintained.field?];
        let Base::Builtin(name) = &self.model.under(&summed.ty).base else { return None };
        let column = self.summed()?;
        match specc_facts::family(name) {
            Family::Decimal => Some(format!("r.{column} in ('NaN', 'Infinity', '-Infinity')")),
            Family::Interval => Some(format!("not isfinite(r.{column})")),
            _ => None,
        }
    }

    /// The difference that rows with a sign make, as far as it can be added.
    fn difference(&self, sign: &str) -> String {
        let total = match self.summed() {
            None => format!("sum(r.{sign})"),
            Some(column) => format!("sum(r.{sign} * r.{column})"),
        };
        let finite = self.not_finite().map(|not_finite| format!("({not_finite}) is not true"));
        let filter: Vec<_> = finite.into_iter().chain(self.filter()).collect();
        let total = match filter.as_slice() {
            [] => total,
            tests => format!("{total} filter (where {})", tests.join(" and ")),
        };
        format!("coalesce({total}, {})", self.zero())
    }
}

/// How the maintained values of an entity are worked out from the rows that they count: for rows that were there first.
pub(crate) fn counts(model: &Model, parent: &Entity) -> Vec<Count> {
    let count = |kept: Kept| {
        let name = ident(&parent.name.name);
        // Names under the parent's are the parent's.
        let row = if name == "r" { "counted" } else { "r" };
        Count {
            column: parent.fields[kept.field].name.clone(),
            of: table_of(kept.child),
            value: SqlExpr::new(kept.anew(row, &name)),
        }
    };
    kept_by(model, parent).into_iter().map(count).collect()
}

/// What the rows of one entity change in one parent table.
struct Keeping<'a> {
    model: &'a Model,
    child: &'a Entity,
    parent: &'a Entity,
    /// In the order of the child's relations.
    relations: Vec<Followed<'a>>,
}

/// What follows the rows along one relation.
struct Followed<'a> {
    relation: &'a Relation,
    kept: Vec<Kept<'a>>,
    limits: Vec<Places<'a>>,
}

impl Followed<'_> {
    fn concerned_by(&self, event: &str) -> bool {
        !self.kept.is_empty() || self.limits.iter().any(|p| p.concerned_by(event))
    }
}

/// The triggers on the rows of `child`.
pub(super) fn lower(room: &mut Room, child: &Entity) {
    let model = room.model;
    let mut all: Vec<Keeping> = Vec::new();
    for id in &child.outgoing {
        let relation = model.relation(*id);
        let parent = model.entity(relation.to);
        if parent.external {
            continue;
        }
        let kept: Vec<_> = kept_by(model, parent).into_iter().filter(|k| k.maintained.relation == *id).collect();
        let limits: Vec<_> = child
            .limits
            .iter()
            .map(|limit| Places::new(model, child, limit))
            .filter(|p| matches!(p.owner, Owner::Row { relation, .. } if relation.id == *id))
            .collect();
        if kept.is_empty() && limits.is_empty() {
            continue;
        }
        let followed = Followed { relation, kept, limits };
        match all.iter_mut().find(|k| k.parent.id == parent.id) {
            Some(keeping) => keeping.relations.push(followed),
            None => all.push(Keeping { model, child, parent, relations: vec![followed] }),
        }
    }
    for keeping in all {
        keeping.lower(room);
    }
}

impl Keeping<'_> {
    fn lower(&self, room: &mut Room) {
        let span = self.span();
        let mut parent = vec![self.parent.name.name.as_str()];
        if self.parent.name.schema != self.model.options.default_schema {
            parent.insert(0, &self.parent.name.schema);
        }
        let depends = self.depends(room);
        let names: Vec<_> =
            self.relations.iter().flat_map(|f| &f.kept).map(|k| self.parent.fields[k.field].name.as_str()).collect();
        let comment = match names.as_slice() {
            [] => {
                format!("Locks the {} that the limits of {} are about, in key order.", parent[0], self.child.name.name)
            }
            _ => format!("Keeps {} of {} true.", names.join(", "), self.parent.name.name),
        };
        let routine = Routine::new(self.body(), comment).definer(true).uses(&table_of(self.parent)).needs(depends);
        let routine = routine.reads(self.conditions());
        let what: Vec<_> = ["keep"].into_iter().chain(parent.iter().copied()).collect();
        let function = trigger_function(room, self.child, &what, routine, span);
        let name = |event| what.iter().copied().chain([event]).collect::<Vec<_>>();
        let mut attach = vec![
            Attach::after("insert", &name("insert")).statement(None, Some("new_rows")),
            Attach::after("update", &name("update")).statement(Some("old_rows"), Some("new_rows")),
        ];
        if self.concerned_by("DELETE") {
            attach.push(Attach::after("delete", &name("delete")).statement(Some("old_rows"), None));
        }
        if !names.is_empty() {
            attach.push(Attach::after("truncate", &name("truncate")).statement(None, None));
        }
        for trigger in attach {
            trigger.to(room, self.child, &function, span);
        }
    }

    fn concerned_by(&self, event: &str) -> bool {
        self.relations.iter().any(|f| f.concerned_by(event))
    }

    /// Whether a change of the parent leads back to the rows that it counts: by way of other values, or at once.
    fn comes_back(&self) -> bool {
        let (mut work, mut seen) = (vec![self.parent.id], vec![self.parent.id]);
        while let Some(at) = work.pop() {
            if at == self.child.id {
                return true;
            }
            for id in &self.model.entity(at).outgoing {
                let to = self.model.relation(*id).to;
                let is_kept = kept_by(self.model, self.model.entity(to)).iter().any(|k| k.maintained.relation == *id);
                if is_kept && !seen.contains(&to) {
                    seen.push(to);
                    work.push(to);
                }
            }
        }
        false
    }

    fn span(&self) -> Span {
        let first = &self.relations[0];
        match (first.kept.first(), first.limits.first()) {
            (Some(kept), _) => self.parent.fields[kept.field].meta.span,
            (None, Some(places)) => places.limit.span,
            (None, None) => self.child.meta.span,
        }
    }

    fn depends(&self, room: &Room) -> Vec<Dependency> {
        self.conditions().flat_map(|e| room.lookup.of_expr(self.model, e)).collect()
    }

    /// The author's conditions that stand in the body.
    fn conditions(&self) -> impl Iterator<Item = &Expr> {
        self.relations.iter().flat_map(|f| {
            let filters = f.kept.iter().filter_map(|k| k.maintained.filter.as_deref());
            filters.chain(f.limits.iter().map(|p| &*p.limit.condition))
        })
    }

    fn body(&self) -> String {
        let steps = |event: &'static str| -> String {
            let rows = Rows::of(self.child, event);
            let relations: Vec<_> = self.relations.iter().filter(|f| f.concerned_by(event)).collect();
            let mut steps = String::new();
            if event == "UPDATE" && self.comes_back() {
                // It is called for its own updates too, and ends where those change nothing.
                steps.push_str("\n    if not exists (select from new_rows) then\n      return null;\n    end if;");
            }
            steps.push_str(&self.tokens(event, &rows));
            if event != "DELETE" {
                steps.push_str(&self.lock_asked(event));
            }
            if !relations.is_empty() {
                steps.push_str(&self.lock(&relations, &rows));
            }
            steps.extend(relations.iter().map(|f| self.follow(f, &rows)));
            steps
        };
        let delete = if self.concerned_by("DELETE") {
            format!("\n  elsif tg_op = 'DELETE' then{}", steps("DELETE"))
        } else {
            String::new()
        };
        let set: Vec<_> = self.relations.iter().flat_map(|f| &f.kept).collect();
        let truncate = if set.is_empty() {
            String::new()
        } else {
            let zeros: Vec<_> =
                set.iter().map(|k| format!("{} = {}", column(self.parent, k.field), k.zero())).collect();
            let wrong: Vec<_> =
                set.iter().map(|k| format!("p.{} <> {}", column(self.parent, k.field), k.zero())).collect();
            format!(
                "
  elsif tg_op = 'TRUNCATE' then
    update {} p set {} where {};",
                table(self.parent),
                zeros.join(", "),
                wrong.join(" or "),
            )
        };
        let waits = self.relations.iter().flat_map(|f| &f.limits).any(Places::promotes);
        let variables = if waits {
            "\n<<keep>>\ndeclare\n  patience constant text := current_setting('lock_timeout');"
        } else {
            ""
        };
        format!(
            "{variables}
begin
  if tg_op = 'INSERT' then{}
  elsif tg_op = 'UPDATE' then
    -- What the rows were is taken away and what they are is added; most updates come out even and touch no parent.{}{delete}{truncate}
  end if;
  return null;
end
",
            steps("INSERT"),
            steps("UPDATE"),
        )
    }

    /// Who frees places waits for those who are being given some, before any parent is locked.
    fn tokens(&self, event: &str, rows: &Rows) -> String {
        if event == "INSERT" {
            return String::new();
        }
        self.relations.iter().flat_map(|f| &f.limits).map(|p| p.wait_for_tokens(rows)).collect()
    }

    /// The parents' keys along one relation that a statement concerns, with the differences.
    fn change(&self, followed: &Followed, rows: &Rows, with_values: bool) -> String {
        let references = columns(self.model, self.child, &followed.relation.fields);
        let keys = list("r", &references);
        // Under the parent's names, as the values are: those differ from each other.
        let named = references.iter().zip(columns(self.model, self.parent, &followed.relation.to_fields));
        let named: Vec<_> =
            named.map(|(r, p)| if r.name == p.name { format!("r.{r}") } else { format!("r.{r} as {p}") }).collect();
        let mut values = vec![named.join(", ")];
        let mut having = Vec::new();
        for kept in &followed.kept {
            let difference = kept.difference(&rows.sign);
            having.push(format!("{difference} <> {}", kept.zero()));
            if !with_values {
                having.extend(kept.not_finite().map(|not_finite| format!("bool_or({not_finite})")));
            }
            if with_values {
                values.push(format!("{difference} as {}", column(self.parent, kept.field)));
            }
        }
        if !with_values {
            // A limit concerns parents whose values stay as they are.
            let concerned = followed.limits.iter().filter(|p| p.concerned_by(rows.event));
            for test in concerned.flat_map(|p| p.concerned(rows)) {
                if !having.contains(&test) {
                    having.push(test);
                }
            }
        }
        let present = present(self.child, "r", &followed.relation.fields);
        let present = if present.is_empty() { String::new() } else { format!("\nwhere {}", present.join("\n  and ")) };
        format!(
            "select {}\nfrom {} r{present}\ngroup by {keys}\nhaving {}",
            values.join(",\n       "),
            rows.source,
            having.join("\n  or "),
        )
    }

    /// The locks of all owners that an insert is about, whichever of its triggers comes first.
    fn lock_asked(&self, event: &str) -> String {
        let gate = format!("perform pg_advisory_xact_lock_shared({});", gate(self.parent));
        let limits: Vec<_> = self.relations.iter().flat_map(|f| &f.limits).collect();
        let references = self.relations.iter().map(|f| {
            let own = columns(self.model, self.child, &f.relation.fields);
            (own, columns(self.model, self.parent, &f.relation.to_fields))
        });
        lock_asked(&limits, event, self.parent, &self.order("p"), &references.collect::<Vec<_>>(), &gate)
    }

    /// The columns by which parents are put in order: the same for all that lock them.
    fn order(&self, row: &str) -> String {
        let fallback = &self.relations[0].relation.to_fields;
        list(row, &columns(self.model, self.parent, self.parent.key.as_ref().map_or(fallback, |key| &key.fields)))
    }

    /// All parents are locked before the first is changed. Counts of one parent need no lock but that of their update.
    fn lock(&self, relations: &[&Followed], rows: &Rows) -> String {
        let along = relations.iter().map(|f| {
            let keys = columns(self.model, self.parent, &f.relation.to_fields);
            within("p", &keys, &format!("\n  {}\n", indented(&self.change(f, rows, false), 2)))
        });
        let lock = format!(
            "perform
from {} p
where {}
order by {}
for no key update of p;",
            table(self.parent),
            indented(&along.collect::<Vec<_>>().join("\n  or "), 2),
            self.order("p"),
        );
        // Who changes the number of places locks parents in an order of his own, so nobody locks several beside him.
        let gate = format!("perform pg_advisory_xact_lock_shared({});", gate(self.parent));
        let gated = relations.iter().flat_map(|f| &f.limits).any(Places::has_number);
        let [only] = relations else {
            let gate = if gated { format!("\n    {gate}") } else { String::new() };
            return format!("{gate}\n    {}", indented(&lock, 4));
        };
        let several = format!(
            "if (select count(*) from (select from {} r group by {} limit 2) several) > 1 then",
            indented(&rows.source, 4),
            list("r", &columns(self.model, self.child, &only.relation.fields)),
        );
        match (only.limits.is_empty(), gated) {
            (true, _) => format!("\n    {several}\n      {}\n    end if;", indented(&lock, 6)),
            (false, true) => {
                format!("\n    {several}\n      {gate}\n    end if;\n    {}", indented(&lock, 4))
            }
            (false, false) => format!("\n    {}", indented(&lock, 4)),
        }
    }

    fn follow(&self, followed: &Followed, rows: &Rows) -> String {
        if followed.kept.is_empty() {
            return String::new();
        }
        let keys = columns(self.model, self.parent, &followed.relation.to_fields);
        let names: Vec<_> = followed.kept.iter().map(|k| column(self.parent, k.field)).collect();
        let sets: Vec<_> = names.iter().map(|name| format!("{name} = p.{name} + c.{name}")).collect();
        let anew: String = followed.kept.iter().map(|kept| self.made_anew(kept, rows)).collect();
        format!(
            "
    update {parent} p
    set {sets}
    from (
      {change}
    ) c
    where {this};{anew}",
            change = indented(&self.change(followed, rows, true), 6),
            parent = table(self.parent),
            sets = sets.join(",\n        "),
            this = equal("p", &keys, "c", &keys),
        )
    }

    /// The sums of parents whose rows have, or had, a value that no difference takes away.
    fn made_anew(&self, kept: &Kept, rows: &Rows) -> String {
        let Some(not_finite) = kept.not_finite() else { return String::new() };
        let keys = columns(self.model, self.parent, &kept.relation.to_fields);
        let references = list("r", &columns(self.model, self.child, &kept.relation.fields));
        let source = indented(&rows.source, 4);
        let these = within("p", &keys, &format!("select {references} from {source} r where {not_finite}"));
        format!(
            "
    if exists (select from {source} r where {not_finite}) then
      -- Such a value is not taken away again by a difference.
      perform
      from {parent} p
      where {these}
      order by {order}
      for no key update of p;
      update {parent} p
      set {column} = {anew}
      where {these};
    end if;",
            parent = table(self.parent),
            order = self.order("p"),
            column = column(self.parent, kept.field),
            anew = kept.anew("r", "p"),
        )
    }
}
