//! The matrix of access as requests: the databases that `specc test` makes, asked as a client asks.

use crate::exchange::{Exchange, Kind, Wish};
use crate::request::{Gives, Method, Page, Request};
use crate::shape::{self, Embed, Filter, Written};
use crate::surface::{Select, Surface, is_table, named, table, type_of};
use serde_json::{Map, Value};
use smol_str::SmolStr;
use specc_catalog::{Catalog, DataType, Object, ObjectId, TableName};
use specc_model::RuleAction;
use specc_model::effective::PUBLIC;
use specc_prove::{Expected, Fill, Given, Matrix, Named, Samples, Statement, Subject, Trial, Way};
use specc_sql::push_type;
use specc_trial::{Run, Skipped};
use specc_types::Relation;
use std::collections::BTreeSet;

/// A database, and what is asked of it, but for the values, which the server says.
pub struct Draft<'t> {
    /// The rows and who asks.
    pub run: Run,
    trial: &'t Trial,
    relation: Relation,
    named: Vec<Named>,
    /// References that are followed here.
    embeds: Vec<(Embed, bool)>,
}

/// All databases of the matrix whose entities or views clients reach, and what is not asked.
pub fn drafts<'t>(surface: &Surface<'_>, matrix: &'t Matrix, samples: &Samples) -> (Vec<Draft<'t>>, Vec<Skipped>) {
    let model = surface.model;
    let fill = Fill::new(model, samples);
    let mut all = Vec::new();
    let mut skipped = Vec::new();
    let mut followed = BTreeSet::new();
    for stuck in &matrix.stuck {
        skipped.push(Skipped {
            entity: stuck.of.name(model),
            what: format!("{} as {}", stuck.command.word(), stuck.role),
            why: stuck.why.clone(),
            span: Some(stuck.span),
        });
    }
    for trial in matrix.trials.iter().filter(|trial| trial.case.role != PUBLIC) {
        let mut skip = |why: String| {
            skipped.push(Skipped {
                entity: trial.of.name(model),
                what: format!("{} as {}", trial.case.command().word(), trial.case.role),
                why,
                span: trial.rules.first().copied(),
            });
        };
        let (schema, name) = match trial.of {
            Subject::Entity(id) => (&model.entity(id).name.schema, &model.entity(id).name.name),
            Subject::View(at) => (&model.views[at].name.schema, &model.views[at].name.name),
        };
        if !surface.shows(schema) {
            skip(format!("the API does not show the schema `{schema}`"));
            continue;
        }
        let Some(relation) = surface.api.relation(&TableName::new(schema.clone(), name.clone())) else {
            skip("the API does not show it".to_owned());
            continue;
        };
        match draft(surface, &fill, trial, relation, &mut followed) {
            Ok(draft) => all.push(draft),
            Err(why) => skip(why),
        }
    }
    skipped.sort();
    skipped.dedup();
    (all, skipped)
}

fn draft<'t>(
    surface: &Surface<'_>,
    fill: &Fill<'_>,
    trial: &'t Trial,
    relation: &Relation,
    followed: &mut BTreeSet<(String, SmolStr, SmolStr, bool)>,
) -> Result<Draft<'t>, String> {
    let case = &trial.case;
    let step = case.steps.first().ok_or("it does nothing")?;
    let mut run = specc_trial::made(surface.model, fill, case, Vec::new())?;
    run.entity = trial.of.name(surface.model);
    run.rules = trial.rules.clone();
    run.table = trial.of.quoted(surface.model);
    let mut names = Vec::new();
    for statement in &trial.statements {
        names.push(match case.rows.is_empty() && matches!(trial.of, Subject::Entity(_)) {
            true => Named::default(),
            false => case.named(fill, step, statement.way, statement.row)?,
        });
    }
    // Each reference is followed once for each role, from a database that has rows.
    let mut embeds = Vec::new();
    let has_rows = trial.statements.iter().any(|one| matches!(one.expected, Expected::Rows(1..)));
    if step.command == RuleAction::Select && has_rows && is_table(relation) && matches!(trial.of, Subject::Entity(_)) {
        for (embed, key, is_allowed) in ways(surface, &run.role, relation) {
            if followed.insert((run.entity.clone(), run.role.as_str().into(), key, embed.is_one)) {
                embeds.push((embed, is_allowed));
            }
        }
    }
    Ok(Draft { run, trial, relation: relation.clone(), named: names, embeds })
}

/// What comes with a row over the references of its table, each with whether the role reads it.
fn ways(surface: &Surface<'_>, role: &str, relation: &Relation) -> Vec<(Embed, SmolStr, bool)> {
    let mut all = Vec::new();
    let Some(own) = surface.readable(role, relation) else { return all };
    let mut add = |there: &TableName, key: &SmolStr, on: Vec<(SmolStr, SmolStr)>, is_one: bool| {
        let Some(far) = surface.api.relation(there).filter(|far| is_table(far) && surface.shows(&far.name.schema))
        else {
            return;
        };
        // A way through a column that is not read is refused, whatever is there.
        let select = surface.readable(role, far);
        let is_allowed = select.as_ref().is_some_and(|select| on.iter().all(|(_, column)| select.has(column)))
            && on.iter().all(|(column, _)| own.has(column));
        let columns: Vec<SmolStr> = match &select {
            Some(Select::These(names)) => names.clone(),
            _ => far.columns.iter().map(|column| column.name.clone()).collect(),
        };
        let embed = Embed {
            name: if is_one { key.clone() } else { there.name.clone() },
            schema: there.schema.clone(),
            table: there.name.clone(),
            select: columns,
            on,
            is_one,
        };
        all.push((embed, key.clone(), is_allowed));
    };
    for way in surface.api.references_of(&relation.name) {
        if way.from == relation.name {
            let on = way.columns.iter().cloned().zip(way.to_columns.iter().cloned()).collect();
            add(&way.to, &way.key, on, true);
        }
    }
    for other in surface.api.relations() {
        for way in surface.api.references_of(&other.name) {
            if way.to == relation.name && way.from == other.name && way.from != relation.name {
                let on = way.to_columns.iter().cloned().zip(way.columns.iter().cloned()).collect();
                add(&way.from, &way.key, on, false);
            }
        }
    }
    all
}

/// The type that a domain is made of.
fn below(catalog: &Catalog, mut ty: DataType) -> DataType {
    while ty.dims == 0 && !ty.schema.is_empty() {
        let id = ObjectId::new(specc_catalog::Kind::Domain, ty.schema.clone(), ty.name.clone());
        match catalog.get(&id).map(|entry| &entry.object) {
            Some(Object::Domain(domain)) => ty = domain.base.clone(),
            _ => break,
        }
    }
    ty
}

impl Draft<'_> {
    /// A role and a command.
    pub fn words(&self) -> String {
        format!("{} as {}", self.command().word(), self.run.role)
    }

    /// A query of the values that its requests name; none where they name none. It gives one array of texts.
    pub fn question(&self, surface: &Surface<'_>) -> Option<String> {
        let mut asked = Vec::new();
        for named in &self.named {
            let cast = |given: &Given| self.cast(surface, given);
            asked.extend(named.found.iter().map(|given| format!("({})::text", cast(given))));
            asked.extend(named.values.iter().map(|given| format!("pg_catalog.to_json({})::text", cast(given))));
        }
        (!asked.is_empty()).then(|| format!("select array[{}]", asked.join(", ")))
    }

    /// A value as its column has it. What a domain takes is for the request to see.
    fn cast(&self, surface: &Surface<'_>, given: &Given) -> String {
        let Some(ty) = type_of(&self.relation, &given.name) else { return given.sql.clone() };
        let ty = below(surface.catalog, ty);
        let mut text = format!("({})::", given.sql);
        push_type(&mut text, &ty);
        text
    }

    /// What is asked, with the values that the server said.
    pub fn exchanges(&self, surface: &Surface<'_>, values: &[Option<String>]) -> Vec<Exchange> {
        let mut values = values.iter();
        let mut all = Vec::new();
        for (statement, named) in self.trial.statements.iter().zip(&self.named) {
            let found: Vec<Filter> = named
                .found
                .iter()
                .map(|given| (given.name.clone(), values.next().cloned().flatten().unwrap_or_default()))
                .collect();
            let mut body = Map::new();
            for given in &named.values {
                let value = values.next().cloned().flatten();
                let value = value.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
                body.insert(given.name.to_string(), value);
            }
            let request = self.request(surface, statement, &found, body);
            all.push(self.exchange(Kind::Rows, request, statement.expected, None));
            if self.command() == RuleAction::Select && statement.way == Way::All {
                all.extend(self.more(surface, statement.expected));
            }
        }
        all
    }

    fn command(&self) -> RuleAction {
        self.trial.case.command()
    }

    fn exchange(&self, kind: Kind, request: Request, outcome: Expected, total: Option<u64>) -> Exchange {
        Exchange {
            entity: self.run.entity.clone(),
            kind,
            lines: self.run.lines.clone(),
            rules: self.run.rules.clone(),
            request,
            wish: Wish::Access { outcome, total },
        }
    }

    fn select(&self, surface: &Surface<'_>) -> Select {
        surface.readable(&self.run.role, &self.relation).unwrap_or(Select::All)
    }

    fn base(&self, method: Method) -> Request {
        Request {
            role: self.run.role.clone(),
            settings: self.run.settings.clone(),
            method,
            schema: self.relation.name.schema.clone(),
            path: format!("/{}", crate::request::encoded(&self.relation.name.name)),
            query: Vec::new(),
            prefer: Vec::new(),
            body: None,
            page: None,
            gives: Gives::Rows,
            writes: method != Method::Get,
            prepared: Default::default(),
        }
    }

    fn request(
        &self,
        surface: &Surface<'_>,
        statement: &Statement,
        found: &[Filter],
        body: Map<String, Value>,
    ) -> Request {
        let table = table(&self.relation);
        let key = self.key(surface);
        let select = self.select(surface);
        let filters = found.iter().map(|(name, text)| (named(name), format!("eq.{text}")));
        let chosen = |request: &mut Request, select: &Select| request.query.push(("select".into(), select.words()));
        match self.command() {
            RuleAction::Select => {
                let mut request = self.base(Method::Get);
                chosen(&mut request, &select);
                request.query.extend(filters);
                request.prepared = shape::read(&table, select.list(), found, &[], None);
                request
            }
            RuleAction::Insert => {
                let columns = self.written(&body);
                let body = Value::Object(body).to_string();
                let mut request = self.base(Method::Post);
                // What comes back has the key, as what `specc test` asks for.
                let back = matches!(statement.way, Way::Returning | Way::Conflict);
                let select = select.with(&key);
                if statement.way == Way::Conflict {
                    request
                        .query
                        .push(("on_conflict".into(), key.iter().map(|name| named(name)).collect::<Vec<_>>().join(",")));
                    request.prefer.push("resolution=ignore-duplicates");
                }
                request.prefer.push(if back { "return=representation" } else { "return=minimal" });
                if back {
                    chosen(&mut request, &select);
                } else {
                    request.gives = Gives::Nothing;
                }
                let unless = (statement.way == Way::Conflict).then_some(key.as_slice());
                let back = back.then(|| select.list());
                request.prepared = shape::insert(&table, &columns, &body, back, unless);
                request.body = Some(body);
                request
            }
            RuleAction::Update => {
                let mut body = body;
                if body.is_empty() {
                    // Nothing of it is allowed: any column will do.
                    let any = self.relation.columns.iter().find(|column| column.written && column.ty.is_some());
                    body.extend(any.map(|column| (column.name.to_string(), Value::Null)));
                }
                let columns = self.written(&body);
                let body = Value::Object(body).to_string();
                let mut request = self.base(Method::Patch);
                request.query.extend(filters);
                let back = self.back(&mut request, statement.way, &select);
                let back = back.as_ref().map(Select::list);
                request.prepared = shape::update(&table, &columns, &body, found, back);
                request.body = Some(body);
                request
            }
            RuleAction::Delete => {
                let mut request = self.base(Method::Delete);
                request.query.extend(filters);
                let back = self.back(&mut request, statement.way, &select);
                request.prepared = shape::delete(&table, found, back.as_ref().map(Select::list));
                request
            }
        }
    }

    /// A change of a row that is named gives it back, one of all rows does not.
    fn back(&self, request: &mut Request, way: Way, select: &Select) -> Option<Select> {
        if way == Way::Keyed {
            request.query.push(("select".into(), select.words()));
            request.prefer.push("return=representation");
            return Some(select.clone());
        }
        request.prefer.push("return=minimal");
        request.gives = Gives::Nothing;
        None
    }

    fn written(&self, body: &Map<String, Value>) -> Vec<Written> {
        let text = || DataType::builtin("text");
        body.keys().map(|name| (name.into(), type_of(&self.relation, name).unwrap_or_else(text))).collect()
    }

    fn key(&self, surface: &Surface<'_>) -> Vec<SmolStr> {
        let Subject::Entity(id) = self.trial.of else { return Vec::new() };
        let entity = surface.model.entity(id);
        let fields = entity.key.iter().flat_map(|key| &key.fields);
        fields.map(|field| entity.fields[*field].name.clone()).collect()
    }

    /// The same rows by the page, with their number, and with what they refer to.
    fn more(&self, surface: &Surface<'_>, expected: Expected) -> Vec<Exchange> {
        let mut all = Vec::new();
        let table = table(&self.relation);
        let select = self.select(surface);
        let page = Page { limit: 1, offset: 0, counted: true };
        let mut paged = self.base(Method::Get);
        paged.query.push(("select".into(), select.words()));
        paged.query.extend([("limit".into(), "1".into()), ("offset".into(), "0".into())]);
        paged.prefer.push("count=exact");
        paged.page = Some(page);
        paged.prepared = shape::read(&table, select.list(), &[], &[], Some(page));
        let (outcome, total) = match expected {
            Expected::Rows(rows) => (Expected::Rows(rows.min(1)), Some(rows)),
            other => (other, None),
        };
        all.push(self.exchange(Kind::Page, paged, outcome, total));
        for (embed, is_allowed) in &self.embeds {
            let mut request = self.base(Method::Get);
            let columns = Select::These(embed.select.clone()).words();
            let words = match embed.is_one {
                true => format!("{},{}:{}({columns})", select.words(), named(&embed.name), named(&embed.table)),
                false => format!("{},{}({columns})", select.words(), named(&embed.table)),
            };
            request.query.push(("select".into(), words));
            request.prepared = shape::read(&table, select.list(), &[], std::slice::from_ref(embed), None);
            let outcome = if *is_allowed { expected } else { Expected::Denied };
            all.push(self.exchange(Kind::Embedding, request, outcome, None));
        }
        all
    }
}
