//! Workflows, limits, maintained values and triggers.

use super::entity::Pass;
use super::exprs::NEW;
use super::fields::list;
use super::project::{Project, check_name, show, sorted};
use crate::formula::{Node, Row};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_facts::Family;
use specc_syntax::ast::{self, TriggerTiming};

impl Pass<'_> {
    pub(crate) fn workflow(&mut self, w: &ast::WorkflowDecl, span: Span) {
        let Some(field) = self.column(&w.field) else { return };
        let declared = &self.entity.fields[field];
        let ty = self.model.under(&declared.ty);
        let labels: Option<Vec<SmolStr>> = match ty.base {
            Base::Enum(id) if ty.dims == 0 => {
                Some(self.model.enums[id.0 as usize].labels.iter().map(|l| l.name.clone()).collect())
            }
            _ if self.model.is_text(&ty) => None,
            _ => {
                let message = format!(
                    "`{}` is {}, and states are labels",
                    declared.name,
                    self.project.describe(self.model, &declared.ty)
                );
                let found = Diagnostic::new(codes::WORKFLOW_FIELD, w.field.at.0, message);
                self.out.push(found.also(declared.meta.span, "declared here").help("use an enum, or text"));
                return;
            }
        };
        if self.parts.workflows.iter().any(|w| w.field == field) {
            let message = format!("`{}` has two workflows", declared.name);
            self.out.push(Diagnostic::new(codes::DUPLICATE_NAME, w.field.at.0, message).help("write all steps in one"));
            return;
        }
        let mut states: Vec<SmolStr> = labels.clone().unwrap_or_default();
        let mut seen: FxHashSet<SmolStr> = states.iter().cloned().collect();
        let mut initial = Vec::new();
        let mut steps = Vec::new();
        let mut firsts: Vec<(SmolStr, Span)> = Vec::new();
        for step in &w.steps {
            for name in step.from.iter().chain(&step.to) {
                if labels.is_some() && !seen.contains(&name.text) {
                    let message =
                        format!("`{}` is not a label of `{}`", name.text, self.project.describe(self.model, &ty));
                    let help = match nearest(&name.text, sorted(states.iter().map(SmolStr::as_str))) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("labels are {}", list(&states.iter().map(SmolStr::as_str).collect::<Vec<_>>())),
                    };
                    self.out.push(Diagnostic::new(codes::WORKFLOW_STATE, name.at.0, message).help(help));
                } else {
                    if seen.insert(name.text.clone()) {
                        states.push(name.text.clone());
                    }
                    if !firsts.iter().any(|(n, _)| *n == name.text) {
                        firsts.push((name.text.clone(), name.at.0));
                    }
                }
            }
            let when = self.condition(step.when.as_ref(), Place::Filter);
            if step.from.is_empty() {
                if let Some(when) = &when {
                    let to = list(&step.to.iter().map(|n| n.text.as_str()).collect::<Vec<_>>());
                    let message = format!("a first state takes no condition: {to}");
                    let help = format!(
                        "let rows start in another state, from which a step has the condition; or say it of every row: \
                         `check …: {} <> '…' or …`",
                        declared.name
                    );
                    self.out.push(Diagnostic::new(codes::CONDITIONAL_START, when.span, message).help(help));
                }
                initial.extend(step.to.iter().map(|n| n.text.clone()));
                continue;
            }
            for from in &step.from {
                for to in &step.to {
                    let (from, to) = (from.text.clone(), to.text.clone());
                    steps.push(Step { from, to, when: when.clone(), doc: step.doc.clone() });
                }
            }
        }
        if !initial.is_empty() {
            self.unreachable(w, &firsts, &initial, &steps);
        }
        self.parts.workflows.push(Workflow { field, states, initial, steps, span });
    }

    fn unreachable(&mut self, w: &ast::WorkflowDecl, firsts: &[(SmolStr, Span)], initial: &[SmolStr], steps: &[Step]) {
        let mut reached: FxHashSet<&SmolStr> = FxHashSet::default();
        let mut open: Vec<&SmolStr> = initial.iter().collect();
        while let Some(state) = open.pop() {
            if reached.insert(state) {
                open.extend(steps.iter().filter(|s| s.from == *state).map(|s| &s.to));
            }
        }
        for (state, span) in firsts.iter().filter(|(state, _)| !reached.contains(state)) {
            let message = format!("no step leads to `{state}`");
            let help = format!("add a step `… -> {state}`, or make it a first state: `-> {state}`");
            let found = Diagnostic::new(codes::WORKFLOW_UNREACHABLE, *span, message);
            self.out.push(found.also(w.field.at.0, "in this workflow").help(help));
        }
    }

    /// A row that says nothing of its state starts with the default: it has to be a state in which a row may start.
    pub(crate) fn check_first_states(&mut self) {
        for workflow in self.parts.workflows.iter().filter(|w| !w.initial.is_empty()) {
            let field = &self.entity.fields[workflow.field];
            let name = &field.name;
            let labels = matches!(self.model.under(&field.ty).base, Base::Enum(_)).then_some(&workflow.states);
            let first = list(&workflow.initial.iter().map(SmolStr::as_str).collect::<Vec<_>>());
            let defaults = self.parts.fields.iter().filter(|(field, _)| *field == workflow.field);
            for value in defaults.filter_map(|(_, parts)| parts.default.as_ref()) {
                let Some(state) = value.formula.literal_text() else { continue };
                // What is no label was reported as that.
                let no_label = labels.is_some_and(|labels| labels.iter().all(|label| label != state));
                if no_label || workflow.initial.iter().any(|first| first == state) {
                    continue;
                }
                let message = format!("the default of `{name}` is `{state}`, in which no row may start");
                let help = format!("make it a first state: `-> {state}`, or start in {first}");
                let found = Diagnostic::new(codes::WORKFLOW_START, value.span, message);
                self.out.push(found.also(workflow.span, "the first states of this workflow").help(help));
            }
        }
    }

    /// The new row has no generated columns yet when a `before` trigger's condition is asked.
    pub(crate) fn check_new_rows(&mut self) {
        let before = |t: &&Trigger| t.timing == TriggerTiming::Before;
        for when in self.parts.triggers.iter().filter(before).filter_map(|t| t.when.as_ref()) {
            let generated =
                |at: &FieldIx| self.parts.fields.iter().any(|(field, parts)| field == at && parts.generated.is_some());
            let mut read = None;
            when.formula.visit(|part| match &part.node {
                Node::Column(Row::Scope(row), field) if *row == NEW && generated(field) => read = Some(*field),
                Node::Whole(Row::Scope(row), _) if *row == NEW => {
                    read = read.or(self.parts.fields.iter().map(|(field, _)| *field).find(generated));
                }
                _ => {}
            });
            if let Some(field) = read {
                let field = &self.entity.fields[field];
                let message = format!("`new.{}` is not generated yet before the row is written", field.name);
                let help = "fire `after` the event, or ask the columns that it is generated from";
                let found = Diagnostic::new(codes::BAD_TRIGGER, when.span, message);
                self.out.push(found.also(field.meta.span, "generated here").help(help));
            }
        }
    }

    pub(crate) fn limit(&mut self, l: &ast::LimitDecl, doc: &ast::Doc, span: Span) {
        let per = self.columns(&l.per);
        let condition = super::kept::condition(self.exprs, &l.condition, &self.scope, &mut self.out);
        let to = self.exprs.get(&l.to, &self.scope, Expect::number(Place::Limit), &mut self.out);
        let mut overflow = Vec::new();
        for (column, value) in &l.overflow {
            let Some(at) = self.column(column) else { continue };
            let ty = &self.entity.fields[at].ty;
            if let Some(value) =
                self.exprs.get(value, &Scope::default(), Expect::value(Place::Default, ty), &mut self.out)
            {
                overflow.push((at, value));
            }
        }
        let promote_by = self.elements(&l.promote_by, Place::Filter).unwrap_or_default();
        if per.len() < l.per.len() {
            return;
        }
        let (Some(condition), Some(to)) = (condition, to) else { return };
        if let Some((message, help)) = self.limit_problem(&to, &per) {
            self.out.push(Diagnostic::new(codes::BAD_LIMIT, l.to.at.0, message).help(help));
            return;
        }
        if !promote_by.is_empty() && overflow.is_empty() {
            let message = "`promote by` needs rows that wait";
            let help = "say with `else` what a row over the limit becomes, such as `else status = 'waitlisted'`";
            self.out.push(Diagnostic::new(codes::BAD_LIMIT, promote_by[0].span, message).help(help));
            return;
        }
        if self.entity.key.is_none() {
            let message = format!("`{}` has no key, so its rows cannot be told apart", self.entity.name.name);
            let found = Diagnostic::new(codes::BAD_LIMIT, l.name.at.0, message);
            self.out.push(found.help("give it one: `id: uuid = gen_random_uuid() key`"));
        }
        self.parts.limits.push(Limit {
            name: l.name.text.clone(),
            doc: doc.clone(),
            condition,
            per,
            to,
            overflow,
            promote_by,
            span,
        });
    }

    /// Why the places could not be counted.
    fn limit_problem(&self, to: &ExprRef, per: &[FieldIx]) -> Option<(String, String)> {
        let owner = "write a number, or a column of the row that the places belong to, such as `event.capacity`";
        match &to.formula.bare().node {
            Node::Literal(value) => {
                let whole = value.sql().parse::<i64>().is_ok_and(|n| n >= 0);
                let message = format!("`{}` is not a number of rows", to.text);
                (!whole).then(|| (message, "write a whole number, such as `to 10`".to_owned()))
            }
            Node::Path(_, steps, _) if steps.len() == 1 && !steps[0].back => {
                let relation = self.model.relation(steps[0].relation);
                let missing: Vec<&str> = relation
                    .fields
                    .iter()
                    .filter(|f| !per.contains(f))
                    .map(|f| self.entity.fields[*f].name.as_str())
                    .collect();
                let message = format!("`{}` can differ between rows that share their places", to.text);
                (!missing.is_empty()).then(|| (message, format!("add {} to `per`", list(&missing))))
            }
            Node::Column(..) => {
                Some((format!("`{}` is a column of the counted row itself", to.text), owner.to_owned()))
            }
            // A name of nothing was reported already.
            Node::Name(_) => None,
            Node::Path(..)
            | Node::Whole(..)
            | Node::Viewer
            | Node::ViewerField(_)
            | Node::Claim(_)
            | Node::Predicate(..) => Some((format!("`{}` does not lead to one number", to.text), owner.to_owned())),
            _ => {
                let help = "write a number, or a column of a referenced row, such as `event.capacity`";
                Some((format!("`{}` is neither a number nor a path", to.text), help.to_owned()))
            }
        }
    }

    pub(crate) fn maintained(&mut self, m: &ast::Maintained, at: FieldIx) -> Option<Maintained> {
        let id = self.entity.id;
        let field = &self.entity.fields[at];
        let bad =
            |span, message: String, help: String| Diagnostic::new(codes::BAD_MAINTAINED, span, message).help(help);
        if let Some(several) = self.model.index.ambiguous.get(&(id, m.path.text.clone())) {
            let found = crate::typing::ambiguous_inverse(self.model, several, &m.path.text, m.path.at.0);
            self.out.push(found);
            return None;
        }
        let Some((relation, back)) = self.model.step(id, &m.path.text) else {
            let ways = self.entity.incoming.iter().map(|r| self.model.relation(*r).inverse.as_str());
            let ways = sorted(ways);
            let message = format!("`{}` has no relation `{}`", self.entity.name.name, m.path.text);
            let help = match nearest(&m.path.text, ways.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if ways.is_empty() => format!(
                    "declare the reference in the counted entity: `{}_id -> {}`",
                    self.entity.name.name, self.entity.name.name
                ),
                None => format!("relations that lead here are {}", list(&ways)),
            };
            self.out.push(Diagnostic::new(codes::UNKNOWN_RELATION, m.path.at.0, message).help(help));
            return None;
        };
        if !back || relation.inverse_one {
            let message = format!("`{}` leads to at most one row", m.path.text);
            let help = "count or sum a relation that leads to many rows, or read the one row by its path";
            let found = Diagnostic::new(codes::WRONG_CARDINALITY, m.path.at.0, message);
            self.out.push(found.also(relation.span, "declared here").help(help));
            return None;
        }
        let counted = self.model.entity(relation.from);
        let name_of = |ty: &Type| match &self.model.under(ty).base {
            Base::Builtin(name) if ty.dims == 0 => name.clone(),
            Base::Unknown => "int".into(),
            _ => SmolStr::default(),
        };
        let own = name_of(&field.ty);
        let function = if m.function.text == "sum" { MaintainedFunction::Sum } else { MaintainedFunction::Count };
        let mut summed = None;
        match (function, &m.field) {
            (MaintainedFunction::Count, None) => {
                if !matches!(specc_facts::family(&own), Family::Integer | Family::Decimal) {
                    let message = format!(
                        "`{}` is {}, and a count is a number",
                        field.name,
                        self.project.describe(self.model, &field.ty)
                    );
                    self.out.push(bad(m.at.0, message, format!("declare `{}: int`", field.name)));
                    return None;
                }
            }
            (MaintainedFunction::Count, Some(name)) => {
                let help = format!("write `count({0})`, or `count({0} where {1} is not null)`", m.path.text, name.text);
                self.out.push(bad(name.at.0, "a count counts rows, not a field".to_owned(), help));
                return None;
            }
            (MaintainedFunction::Sum, None) => {
                let message = "a sum needs the field that is added up".to_owned();
                let help = format!("write `sum({}.{})`", m.path.text, self.a_number(counted).unwrap_or("…"));
                self.out.push(bad(m.at.0, message, help));
                return None;
            }
            (MaintainedFunction::Sum, Some(name)) => {
                let Some(at) = counted.field(&name.text) else {
                    self.out.push(super::fields::unknown_field(counted, &name.text, name.at.0));
                    return None;
                };
                let theirs = &counted.fields[at];
                let adds_up = |name: &str| {
                    let family = specc_facts::family(name);
                    family.is_number() || matches!(family, Family::Money | Family::Interval)
                };
                if !adds_up(&name_of(&theirs.ty)) {
                    let message = format!(
                        "`{}` is {} and cannot be added up",
                        name.text,
                        self.project.describe(self.model, &theirs.ty)
                    );
                    let help = match self.a_number(counted) {
                        Some(other) => format!("sum a number, such as `{other}`"),
                        None => format!("`{}` has no number to sum", counted.name.name),
                    };
                    self.out.push(bad(name.at.0, message, help));
                    return None;
                }
                if !adds_up(&own) {
                    let message = format!(
                        "`{}` is {}, and a sum is a number",
                        field.name,
                        self.project.describe(self.model, &field.ty)
                    );
                    self.out.push(bad(
                        m.at.0,
                        message,
                        format!("declare `{}: {}`", field.name, self.project.describe(self.model, &theirs.ty)),
                    ));
                    return None;
                }
                // Adding and taking away again does not give what was there: rounding stays, and so does `NaN`.
                let rounds = |name: &str| specc_facts::family(name) == Family::Float;
                for (written, ty) in [(&name.text, &theirs.ty), (&field.name, &field.ty)] {
                    if rounds(&name_of(ty)) {
                        let described = self.project.describe(self.model, ty);
                        let message = format!("`{written}` is {described}, so the sum is rounded at every write");
                        self.out.push(bad(m.at.0, message, format!("declare `{written}: numeric`")));
                        return None;
                    }
                }
                summed = Some(at);
            }
        }
        if field.relation.is_some() || counted.external {
            let message = format!("no trigger can be put on `{}`", self.project.spell(&counted.name));
            self.out.push(bad(m.path.at.0, message, "count an entity of your own".to_owned()));
            return None;
        }
        let filter = match &m.filter {
            Some(raw) => Some(super::kept::condition(self.exprs, raw, &Scope::of(counted.id), &mut self.out)?),
            None => None,
        };
        let including_deleted = m.including_deleted;
        Some(Maintained { function, relation: relation.id, field: summed, filter, including_deleted })
    }

    /// A field that can be added up.
    fn a_number<'e>(&self, entity: &'e Entity) -> Option<&'e str> {
        let counts = |f: &&Field| {
            let ty = self.model.under(&f.ty);
            use Family::{Decimal, Integer, Money};
            let counts =
                |name: &str| name != "smallint" && matches!(specc_facts::family(name), Integer | Decimal | Money);
            let word = matches!(&ty.base, Base::Builtin(name) if counts(name));
            word && ty.dims == 0 && f.relation.is_none() && f.identity.is_none()
        };
        entity.fields.iter().find(counts).map(|f| f.name.as_str())
    }

    pub(crate) fn trigger(&mut self, t: &ast::TriggerDecl, doc: &ast::Doc, span: Span) -> Option<Trigger> {
        if t.timing == TriggerTiming::InsteadOf {
            let message = format!("`{}` is a table, and `instead of` is for views", self.entity.name.name);
            self.out.push(Diagnostic::new(codes::BAD_TRIGGER, t.name.at.0, message).help("use `before` or `after`"));
            return None;
        }
        for event in &t.events {
            for column in &event.columns {
                self.column(column);
            }
        }
        let when = match &t.when {
            Some(raw) => Some(self.exprs.trigger_condition(raw, self.entity.id, t, &mut self.out)?),
            None => None,
        };
        let (session, writes, raises) = super::bodies::trigger_body(
            self.project,
            self.model,
            &self.entity.name,
            t,
            &mut self.parts.conflicts,
            &mut self.out,
        );
        let found = trigger(self.project, self.model, t, doc, span, when, &mut self.out)?;
        Some(Trigger { session, writes, raises, ..found })
    }
}

/// A trigger on anything, its columns and condition already looked at.
pub(crate) fn trigger(
    project: &Project<'_>,
    model: &Model,
    t: &ast::TriggerDecl,
    doc: &ast::Doc,
    span: Span,
    when: Option<ExprRef>,
    out: &mut Vec<Diagnostic>,
) -> Option<Trigger> {
    check_name(&t.name, out);
    let mut bad = |at: Span, message: String, help: &str| {
        out.push(Diagnostic::new(codes::BAD_TRIGGER, at, message).help(help));
    };
    let has = |word: &str| t.events.iter().any(|e| e.event.text == word);
    if has("truncate") && (t.per_row || t.timing == TriggerTiming::InsteadOf) {
        bad(
            t.name.at.0,
            format!("trigger `{}` fires on truncate for each row", t.name.text),
            "write `for each statement`",
        );
    }
    if t.timing == TriggerTiming::InsteadOf && (!t.per_row || t.when.is_some()) {
        let help = "write `for each row` and no `when`";
        bad(t.name.at.0, format!("`instead of` trigger `{}` is per row and has no condition", t.name.text), help);
    }
    if let Some(table) = t.old_table.as_ref().or(t.new_table.as_ref()) {
        let columns = t.events.iter().any(|e| !e.columns.is_empty());
        if t.timing != TriggerTiming::After {
            bad(table.at.0, "only an `after` trigger has transition tables".to_owned(), "use `after`");
        } else if t.events.len() > 1 || columns {
            let help = "write a trigger for each event, without `update of`";
            bad(table.at.0, "a trigger with transition tables has one event and no columns".to_owned(), help);
        } else if t.old_table.is_some() && has("insert") {
            bad(table.at.0, "an insert has no old rows".to_owned(), "remove `old table`");
        } else if t.new_table.is_some() && has("delete") {
            bad(table.at.0, "a delete has no new rows".to_owned(), "remove `new table`");
        }
    }
    if t.constraint && (t.timing != TriggerTiming::After || !t.per_row) {
        bad(t.name.at.0, "a constraint trigger fires after each row".to_owned(), "write `after … for each row`");
    }
    for event in &t.events {
        if !event.columns.is_empty() && event.event.text != "update" {
            let message = format!("only `update` has columns, not `{}`", event.event.text);
            bad(event.event.at.0, message, "remove `of` and the columns");
        }
    }
    let mut events: Vec<(SmolStr, Vec<SmolStr>)> = Vec::new();
    for word in ["insert", "update", "delete", "truncate"] {
        let found: Vec<_> = t.events.iter().filter(|e| e.event.text == word).collect();
        if let Some(second) = found.get(1) {
            bad(second.event.at.0, format!("`{word}` is named twice"), "remove one of the two");
        }
        if let Some(event) = found.first() {
            events.push((word.into(), event.columns.iter().map(|c| c.text.clone()).collect()));
        }
    }
    let action = match &t.action {
        ast::TriggerAction::Execute { function, args } => {
            let name = trigger_function(project, model, function, out)?;
            TriggerAction::Execute { function: name, args: args.iter().map(|a| a.value.clone()).collect() }
        }
        ast::TriggerAction::Body(body) => TriggerAction::Body(body.text.clone()),
    };
    Some(Trigger {
        meta: project.meta(doc, &t.name, t.was.as_ref()),
        name: t.name.text.clone(),
        timing: t.timing,
        events,
        per_row: t.per_row,
        old_table: t.old_table.as_ref().map(|n| n.text.clone()),
        new_table: t.new_table.as_ref().map(|n| n.text.clone()),
        when,
        action,
        session: Vec::new(),
        writes: Vec::new(),
        raises: false,
        constraint: t.constraint,
        initially_deferred: t.initially_deferred,
        enabled: t.enabled.as_ref().map(|how| how.text.clone()),
        span,
    })
}

fn trigger_function(
    project: &Project<'_>,
    model: &Model,
    function: &ast::QName,
    out: &mut Vec<Diagnostic>,
) -> Option<Qualified> {
    let name = project.qualified(function);
    if let Some(found) = project.functions.get(&name) {
        let functions = || found.iter().map(|at| &model.functions[*at]);
        let fits = |f: &Function| {
            matches!(&f.returns, Some(Returns::Pseudo(word)) if word == "trigger") && f.params.is_empty()
        };
        if !functions().any(fits) {
            let message = format!("function `{}` is not a trigger function", show(function));
            let mut finding = Diagnostic::new(codes::BAD_TRIGGER, function.span(), message);
            if let Some(first) = functions().next() {
                finding = finding.also(first.meta.span, "declared here");
            }
            out.push(finding.help(format!("declare `function {}() -> trigger language plpgsql`", show(function))));
            return None;
        }
        return Some(name);
    }
    if project.provided_functions.contains_key(&name) {
        return Some(name);
    }
    if specc_facts::is_trigger_function(&function.name.text) {
        let schema = function.schema.as_ref().map(|s| s.text.clone()).unwrap_or_default();
        return Some(Qualified { schema, name: function.name.text.clone() });
    }
    let spelled: Vec<String> = project.functions.keys().map(|n| project.spell(n)).collect();
    let near = nearest(&show(function), sorted(spelled.iter().map(String::as_str)));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it: `function {}() -> trigger language plpgsql as $$ … $$`", show(function)),
    };
    let message = format!("unknown function `{}`", show(function));
    out.push(Diagnostic::new(codes::UNKNOWN_FUNCTION, function.span(), message).help(help));
    None
}
