//! Scenarios: who does what to which rows, every name resolved and every value typed, as in seeds.

use super::collect::Decls;
use super::exprs::Exprs;
use super::project::{Project, Seen, show, sorted};
use super::seeds::{Filled, Labels, Places, Reader, Sight, cycles, is_value, is_word, split};
use super::substitute::as_name;
use crate::effective;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_syntax::ast::{self, RawExpr, RowsDecl, ScenarioDecl, StepDecl, StepKind, TryDecl};

/// The rows that a scenario without `in` has, where the spec has such.
const USUAL: &str = "dev";

/// All scenarios.
pub(super) fn scenarios(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    decls: &Decls<'_>,
    filled: &Filled,
    labels: &Labels,
    out: &mut Vec<Diagnostic>,
) -> Vec<Scenario> {
    let mut seen: Seen<SmolStr> = Seen::new();
    let mut found = Vec::new();
    for (item, d) in &decls.scenarios {
        let message = || {
            let message = format!("two scenarios are called `{}`", d.text.text);
            (message, "say what each is about".to_owned())
        };
        seen.add(d.text.text.clone(), d.text.at.0, codes::DUPLICATE_NAME, message, out);
        let env = environment(exprs.model, d, out);
        let own = own_labels(project, labels, &env, d, out);
        let sight = Sight { labels, env: &env, own: Some(&own) };
        let parts = Pass { reader: Reader { project, exprs, sight, out }, filled }.parts(d);
        found.push(Scenario { text: d.text.text.clone(), doc: item.doc.clone(), env, parts, span: d.text.at.0 });
    }
    found
}

/// The environment whose rows are there.
fn environment(model: &Model, d: &ScenarioDecl, out: &mut Vec<Diagnostic>) -> SmolStr {
    let has = |env: &str| env == "base" || model.seeds.iter().any(|set| set.env == env);
    let Some(env) = &d.env else {
        return if has(USUAL) { USUAL.into() } else { "base".into() };
    };
    if !has(&env.text) {
        let near = nearest(&env.text, model.seeds.iter().map(|set| set.env.as_str()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it: `seed {} {{ … }}`", env.text),
        };
        let message = format!("no seed is called `{}`", env.text);
        out.push(Diagnostic::new(codes::BAD_SCENARIO, env.at.0, message).help(help));
    }
    env.text.clone()
}

/// The labels of the rows that a scenario brings.
fn own_labels(
    project: &Project<'_>,
    labels: &Labels,
    env: &SmolStr,
    d: &ScenarioDecl,
    out: &mut Vec<Diagnostic>,
) -> Places {
    let mut own = Places::default();
    for part in &d.parts {
        let ast::ScenarioPart::Given { rows, .. } = part else { continue };
        for row in rows {
            // An unknown entity is said where the row is read.
            let (Some(label), Some(entity)) = (&row.label, project.entity(&row.entity, &mut Vec::new())) else {
                continue;
            };
            let there = Sight { labels, env, own: Some(&own) }.find(entity, &label.text);
            if let Some(first) = there {
                let message = format!("`{}` has two rows labelled `{}`", show(&row.entity), label.text);
                let found = Diagnostic::new(codes::SEED_DUPLICATE, label.at.0, message).label("again here");
                out.push(found.also(first, "first here").help("give one of them another label"));
                continue;
            }
            own.insert((entity, label.text.clone()), label.at.0);
        }
    }
    own
}

struct Pass<'r> {
    reader: Reader<'r>,
    filled: &'r Filled,
}

impl<'r> Pass<'r> {
    fn model(&self) -> &'r Model {
        self.reader.exprs.model
    }

    fn bad(&mut self, span: Span, message: String, help: impl Into<String>) {
        self.reader.out.push(Diagnostic::new(codes::BAD_SCENARIO, span, message).help(help));
    }

    fn parts(&mut self, d: &ScenarioDecl) -> Vec<ScenarioPart> {
        let mut parts = Vec::new();
        for part in &d.parts {
            match part {
                ast::ScenarioPart::Given { rows, .. } => {
                    let mut list = Vec::new();
                    for row in rows {
                        if let Some(entity) = self.reader.project.entity(&row.entity, self.reader.out) {
                            list.push(self.reader.row(entity, row, self.filled));
                        }
                    }
                    cycles(self.model(), &list, self.reader.out);
                    parts.push(ScenarioPart::Given(SeedSet {
                        env: format!("given {}", parts.len()).into(),
                        rows: list,
                    }));
                }
                ast::ScenarioPart::As(actor) => {
                    let who = self.who(actor);
                    let steps: Vec<_> = actor.steps.iter().filter_map(|step| self.step(step)).collect();
                    let claims = actor.claims.as_ref().map(|claims| claims.value.clone());
                    if let (Some(text), Some(written)) = (&claims, &actor.claims)
                        && !specc_facts::is_json_object(text)
                    {
                        self.bad(
                            written.at.0,
                            "claims are a JSON object".to_owned(),
                            r#"write `claims '{"aal": "aal2"}'`"#,
                        );
                    }
                    if let Some((viewer, role)) = who {
                        parts.push(ScenarioPart::As(Actor { viewer, role, claims, steps, span: actor.who.at.0 }));
                    }
                }
            }
        }
        parts
    }

    /// Whose session it is: a labelled row of the viewer's entity, or a role.
    fn who(&mut self, actor: &ast::ActorDecl) -> Option<(Option<(EntityId, SmolStr)>, SmolStr)> {
        let name = &actor.who;
        let viewer = self.model().viewer.filter(|_| !actor.is_role);
        if let Some(viewer) = viewer.filter(|viewer| self.reader.sight.find(*viewer, &name.text).is_some()) {
            let role = self.role_of(actor)?;
            return Some((Some((viewer, name.text.clone())), role));
        }
        if let Some(role) = &actor.role {
            let message = format!("`{}` is no row of the viewer's entity, whose role `in` would be", name.text);
            self.bad(role.at.0, message, format!("write `as {}`", role.text));
            return None;
        }
        if actor.is_role {
            self.reader.project.check_role(name, self.reader.out);
            return Some((None, name.text.clone()));
        }
        if self.reader.project.roles.contains(&name.text) {
            return Some((None, name.text.clone()));
        }
        let people =
            self.reader.sight.all().filter(|(entity, _)| Some(*entity) == viewer).map(|(_, label)| label.as_str());
        let words = sorted(people.chain(self.reader.project.roles.iter().map(SmolStr::as_str)));
        let help = match (nearest(&name.text, words.iter().copied()), viewer) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, Some(viewer)) => {
                let table = self.reader.project.spell(&self.model().entity(viewer).name);
                format!("write the label of a row of `{table}`, or a role")
            }
            (None, None) => "write a role; people are rows of the viewer's entity: `viewer -> profiles`".to_owned(),
        };
        self.bad(name.at.0, format!("nobody is called `{}`", name.text), help);
        None
    }

    /// The role of the session of somebody.
    fn role_of(&mut self, actor: &ast::ActorDecl) -> Option<SmolStr> {
        if let Some(role) = &actor.role {
            self.reader.project.check_role(role, self.reader.out);
            return Some(role.text.clone());
        }
        let model = self.model();
        if model.options.target == Target::Supabase {
            return Some("authenticated".into());
        }
        let bound = model.roles.iter().filter(|role| !effective::bypasses(model, &role.name));
        let bound: Vec<&SmolStr> = bound.map(|role| &role.name).collect();
        if let [only] = bound.as_slice() {
            return Some((*only).clone());
        }
        let example = bound.first().map_or("app", |role| role.as_str());
        let message = format!("the role of the session of `{}` is not known", actor.who.text);
        self.bad(actor.who.at.0, message, format!("write `as {} in {example}`", actor.who.text));
        None
    }

    fn step(&mut self, step: &StepDecl) -> Option<ScenarioStep> {
        let kind = match &step.kind {
            StepKind::Rows { entity, rows } => {
                let entity = self.reader.project.entity(entity, self.reader.out)?;
                ScenarioStepKind::Rows(entity, self.rows(entity, rows)?)
            }
            StepKind::Try { deny, what, code } => {
                if let Some(code) = code {
                    self.code(*deny, code);
                }
                let what = self.tried(what, code.is_some())?;
                ScenarioStepKind::Try { deny: *deny, what, code: code.as_ref().map(|code| code.value.clone()) }
            }
        };
        Some(ScenarioStep { kind, span: step.at.0 })
    }

    fn code(&mut self, deny: bool, code: &ast::StrLit) {
        if !deny {
            let help = "remove it; `deny … with` says how something is refused";
            self.bad(code.at.0, "what is allowed has no SQLSTATE".to_owned(), help);
        } else if code.value.len() != 5 || !code.value.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
            let help = "write the five characters that Postgres reports: `with 'P0001'`";
            self.bad(code.at.0, format!("`{}` is no SQLSTATE", code.value), help);
        }
    }

    fn rows(&mut self, entity: EntityId, rows: &RowsDecl) -> Option<SeenRows> {
        let labels = match rows {
            RowsDecl::None => return Some(SeenRows::None),
            RowsDecl::All => return Some(SeenRows::All),
            RowsDecl::Count(count) => return Some(SeenRows::Count(*count)),
            RowsDecl::Only(labels) => labels,
        };
        let mut seen: Seen<SmolStr> = Seen::new();
        let mut known = true;
        for label in labels {
            let message = || (format!("`{}` is named twice", label.text), "remove one of the two".to_owned());
            seen.add(label.text.clone(), label.at.0, codes::DUPLICATE_FIELD, message, self.reader.out);
            known &= self.labelled(entity, label).is_some();
        }
        known.then(|| SeenRows::Only(labels.iter().map(|label| label.text.clone()).collect()))
    }

    /// That a row of the entity has this label, and a key to be found by.
    fn labelled(&mut self, entity: EntityId, label: &ast::Name) -> Option<EntityId> {
        if self.reader.sight.find(entity, &label.text).is_none() {
            self.reader.unknown_label(&label.text, label.at.0, &[entity], &[], false);
            return None;
        }
        let row = self.model().entity(entity);
        if row.key.is_none() {
            let message = format!("`{}` has no key, by which a row of it is found", row.name.name);
            self.bad(label.at.0, message, "give it a key, or write how many rows: `-> 3 rows`");
            return None;
        }
        Some(entity)
    }

    /// The entity of a row that is named by its label, alone where only one has such.
    fn row(&mut self, row: &ast::RowRef) -> Option<EntityId> {
        if let Some(entity) = &row.entity {
            let entity = self.reader.project.entity(entity, self.reader.out)?;
            return self.labelled(entity, &row.label);
        }
        let found = self.reader.sight.entities(&row.label.text);
        match found.as_slice() {
            [one] => self.labelled(*one, &row.label),
            [first, _, ..] => {
                let names: Vec<String> =
                    found.iter().map(|e| self.reader.project.spell(&self.model().entity(*e).name)).collect();
                let first = self.reader.project.spell(&self.model().entity(*first).name);
                let message = format!("`{}` is a row of `{}`", row.label.text, names.join("` and of `"));
                let found = Diagnostic::new(codes::SEED_LABEL, row.label.at.0, message);
                self.reader.out.push(found.help(format!("write which: `{first} {}`", row.label.text)));
                None
            }
            [] => {
                self.reader.unknown_label(&row.label.text, row.label.at.0, &[], &[], false);
                None
            }
        }
    }

    fn tried(&mut self, what: &TryDecl, has_code: bool) -> Option<Try> {
        let values = |entity, fields, span| SeedRow { entity, label: None, count: None, fields, large: false, span };
        Some(match what {
            TryDecl::Insert { entity, fields } => {
                let id = self.reader.project.entity(entity, self.reader.out)?;
                let (fields, seen) = self.reader.fields(id, fields);
                // What is refused for another reason than what is missing has to be whole.
                if let Some(seen) = seen.filter(|_| !has_code) {
                    self.reader.missing(id, entity.span(), &seen, self.filled, false);
                }
                Try::Insert(values(id, fields, entity.span()))
            }
            TryDecl::Update { row, fields } => {
                let id = self.row(row)?;
                if fields.is_empty() {
                    let message = format!("the update of `{}` changes nothing", row.label.text);
                    self.bad(row.label.at.0, message, "write what it changes: `{ title: 'x' }`");
                    return None;
                }
                let (fields, _) = self.reader.fields(id, fields);
                Try::Update(row.label.text.clone(), values(id, fields, row.label.at.0))
            }
            TryDecl::Delete { row } => Try::Delete(self.row(row)?, row.label.text.clone()),
            TryDecl::Call { function, args } => {
                let (at, args) = self.call(function, args)?;
                Try::Call(at, args)
            }
        })
    }

    /// The function that takes these arguments.
    fn call(&mut self, name: &ast::QName, written: &RawExpr) -> Option<(usize, Vec<SeedValue>)> {
        let model = self.model();
        let parts = split(&written.text, written);
        let project = self.reader.project;
        let candidates = project.functions.get(&project.qualified(name)).cloned().unwrap_or_default();
        if candidates.is_empty() {
            let known = sorted(model.functions.iter().map(|function| function.name.name.as_str()));
            let help = match nearest(&name.name.text, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it: `function {}() -> void as $$ … $$`", show(name)),
            };
            let message = format!("unknown function `{}`", show(name));
            self.reader.out.push(Diagnostic::new(codes::UNKNOWN_FUNCTION, name.span(), message).help(help));
            return None;
        }
        let inputs = |at: usize| {
            let takes = |param: &&Param| matches!(param.mode.as_str(), "in" | "inout" | "");
            model.functions[at].params.iter().filter(takes).collect::<Vec<_>>()
        };
        let fits = |at: &usize| {
            let all = inputs(*at);
            let needed = all.iter().filter(|param| param.default.is_none()).count();
            needed <= parts.len() && parts.len() <= all.len()
        };
        let before = self.reader.out.len();
        let mut findings = Vec::new();
        for at in candidates.iter().copied().filter(fits) {
            let params = inputs(at);
            let args: Option<Vec<_>> =
                parts.iter().zip(params).map(|(part, param)| self.arg(&param.ty, part)).collect();
            match args {
                Some(args) if self.reader.out.len() == before => return Some((at, args)),
                _ => {
                    let found = self.reader.out.split_off(before);
                    if findings.is_empty() {
                        findings = found;
                    }
                }
            }
        }
        if findings.is_empty() {
            let message = format!("`{}` does not take {} arguments", show(name), parts.len());
            let found = Diagnostic::new(codes::WRONG_COUNT, name.span(), message);
            let found = found.also(model.functions[candidates[0]].meta.span, "declared here");
            findings.push(found.help("give a value to each parameter that has no default"));
        }
        self.reader.out.append(&mut findings);
        None
    }

    /// A label, or an expression.
    fn arg(&mut self, ty: &Type, raw: &RawExpr) -> Option<SeedValue> {
        let text = raw.text.trim();
        if !is_word(text) || is_value(&text.to_lowercase()) {
            return self.reader.exprs.seed_value(raw, ty, self.reader.out).map(SeedValue::Expr);
        }
        let label = as_name(text);
        let found = self.reader.sight.entities(&label);
        match found.as_slice() {
            [one] => {
                let entity = self.labelled(*one, &ast::Name { text: label.clone(), at: raw.at })?;
                Some(SeedValue::Label { entity, label })
            }
            _ => {
                self.reader.unknown_label(&label, raw.at.0, &[], &found, true);
                None
            }
        }
    }
}
