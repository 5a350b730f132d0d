//! Requests on a database that is in use: as each role, for each who asks, on the rows that are there.
//!
//! What should come is worked out by whoever connects, who has to see all rows: the rules of the spec, as conditions over each
//! row. What comes is what the API's transaction gives. Reads take so many rows at most, and nothing stays of what is written.

use crate::exchange::{Exchange, Kind, Wish};
use crate::report::Report;
use crate::request::{Gives, Method, Page, Request, encoded};
use crate::send::{Courier, Reply, Within, refused};
use crate::shape;
use crate::surface::{IsWanted, Select, Surface, is_table, named, table, type_of};
use serde_json::{Map, Value};
use smol_str::SmolStr;
use specc_catalog::{DataType, Kind as Sort, Object, ObjectId};
use specc_lower::expr::of_row;
use specc_model::effective::{Decision, Effective, acts_as, bypasses};
use specc_model::formula::Formula;
use specc_model::{Entity, Rule, RuleAction};
use specc_postgres::Session;
use specc_postgres::postgres;
use specc_prove::Expected;
use specc_sql::quote;
use specc_trial::{Got, Verdict};
use specc_types::Relation;

/// How a query calls the row.
const ROW: &str = "asked";

/// Of more rows than are read, how many that the rules keep back are asked for by their keys.
const HIDDEN: u32 = 5;

/// Why a query over all rows has no answer.
enum Uncounted {
    /// Whoever connects does not see them all.
    Blind(String),
    /// Something that the spec names is not there: the code, and what the server says.
    Gone(String, String),
    /// Something else.
    Other(String),
}

impl Uncounted {
    fn of(code: &str, message: &str) -> Self {
        match code {
            "42501" => Self::Blind(message.to_owned()),
            // A name that is not there, or is of another type; a schema that is not there.
            code if code.starts_with("42") || code == "3F000" => Self::Gone(code.to_owned(), message.to_owned()),
            _ => Self::Other(message.to_owned()),
        }
    }

    fn words(&self) -> &str {
        match self {
            Self::Blind(message) | Self::Gone(_, message) | Self::Other(message) => message,
        }
    }
}

/// How much is read.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Of each table, by each who asks.
    pub rows: u64,
    /// Whether rows are changed and deleted too, in transactions that are undone.
    pub writes: bool,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The role.
    pub role: SmolStr,
    /// Her key, if anybody asks.
    pub viewer: Option<String>,
    /// What the session says of it.
    pub settings: Vec<String>,
}

impl Asker {
    pub(crate) fn words(&self) -> String {
        match &self.viewer {
            Some(viewer) => format!("as {}, viewer is {viewer}", self.role),
            None => format!("as {}", self.role),
        }
    }
}

/// Asks for every entity, view and function that clients reach.
///
/// # Errors
/// Where the connection breaks.
pub fn live(
    surface: &Surface<'_>,
    (session, courier): (&mut Session, &mut Courier),
    (askers, is_wanted): (&[Asker], IsWanted<'_>),
    budget: Budget,
    report: &mut Report,
) -> Result<(), postgres::Error> {
    report.skipped.extend(surface.everyone().filter(|one| !report.skipped.contains(one)));
    let mut place = Place { surface, session, courier, budget, report };
    for asker in askers {
        for relation in surface.api.relations() {
            if !surface.shows(&relation.name.schema) || !is_wanted(&relation.name.name) {
                continue;
            }
            let of = |entity: &&Entity| {
                !entity.external
                    && specc_prove::is_guarded(entity)
                    && entity.name.schema == relation.name.schema
                    && entity.name.name == relation.name.name
            };
            match surface.model.entities.iter().find(of).filter(|_| !bypasses(surface.model, &asker.role)) {
                Some(entity) => place.guarded(asker, entity, relation)?,
                None => place.granted(asker, relation)?,
            }
        }
        let settings = |_: &str| asker.settings.clone();
        for exchange in crate::calls::calls(surface, &settings) {
            if exchange.request.role == asker.role
                && is_wanted(&exchange.entity)
                && (budget.writes || !exchange.request.writes)
            {
                let reply = place.send(&exchange.request)?;
                place.report.add(exchange, reply);
            }
        }
    }
    Ok(())
}

struct Place<'p, 'm> {
    surface: &'p Surface<'m>,
    session: &'p mut Session,
    courier: &'p mut Courier,
    budget: Budget,
    report: &'p mut Report,
}

impl<'m> Place<'_, 'm> {
    fn send(&mut self, request: &Request) -> Result<Reply, postgres::Error> {
        let mut reply = self.courier.send(self.session, request, Within::Own)?;
        reply.got = without_values(reply.got);
        Ok(reply)
    }

    /// What no rule decides: whether the role has the right.
    fn granted(&mut self, asker: &Asker, relation: &Relation) -> Result<(), postgres::Error> {
        let select = self.surface.each(&asker.role, relation);
        let wish = match select {
            Some(_) => Wish::Reached,
            None => Wish::Access { outcome: Expected::Denied, total: None },
        };
        let request = page(asker, relation, &select.unwrap_or(Select::All), 1);
        let exchange = exchange(asker, relation.name.name.to_string(), request, wish, None);
        let reply = self.send(&exchange.request)?;
        let is_answered = matches!(reply.got, Got::Rows(_));
        self.report.add(exchange, reply);
        if is_answered && !is_table(relation) {
            self.viewed(asker, relation)?;
        }
        self.shut(asker, relation, &relation.name.name)
    }

    /// Whether a view has as many rows as its query in the spec: both counted by whoever connects, with what the session says of
    /// who asks.
    fn viewed(&mut self, asker: &Asker, relation: &Relation) -> Result<(), postgres::Error> {
        let id = ObjectId::new(Sort::View, relation.name.schema.clone(), relation.name.name.clone());
        let Some(Object::View(view)) = self.surface.catalog.get(&id).map(|entry| &entry.object) else { return Ok(()) };
        // One that is kept has the rows of its last refreshing.
        if view.materialized {
            return Ok(());
        }
        let limit = self.budget.rows;
        let sql = format!(
            "select (select pg_catalog.count(*) from (select from ({}) of_spec limit {limit}) counted),
             (select pg_catalog.count(*) from (select from {} limit {limit}) counted)",
            view.query,
            quote::qualified(&relation.name.schema, &relation.name.name)
        );
        let mut request = page(asker, relation, &Select::All, limit);
        request.query.retain(|(name, _)| name != "select");
        let mut exchange = exchange(asker, relation.name.name.to_string(), request, Wish::Reached, None);
        exchange.lines = vec![format!("as whoever connects, with what a session says {}", asker.words())];
        match self.asked(asker, &sql)? {
            Ok(rows) => {
                let count = |at| rows.first().map_or(0, |row| u64::try_from(row.get::<_, i64>(at)).unwrap_or(0));
                let (wanted, found) = (count(0), count(1));
                if wanted != found {
                    exchange.wish = Wish::Access { outcome: Expected::Rows(wanted), total: None };
                    let got = Got::Rows(found);
                    let reply = Reply { status: 200, got, total: None, micros: 0, of_body: false, body: String::new() };
                    self.report.add(exchange, reply);
                } else if wanted >= limit {
                    let why = format!("of the view's rows only {limit} were counted: `--rows` takes more");
                    self.report.skip(&exchange, why);
                }
            }
            Err(why) => {
                let why = format!("its rows cannot be set against its query in the spec: {}", why.words());
                self.report.skip(&exchange, why);
            }
        }
        Ok(())
    }

    /// What the role has no right to, where the spec makes the table.
    fn shut(&mut self, asker: &Asker, relation: &Relation, name: &str) -> Result<(), postgres::Error> {
        let is_it = |entity: &Entity| {
            !entity.external && entity.name.schema == relation.name.schema && entity.name.name == relation.name.name
        };
        if self.budget.writes && self.surface.model.entities.iter().any(is_it) {
            for exchange in crate::columns::shut(self.surface, asker, relation, name) {
                let reply = self.send(&exchange.request)?;
                self.report.add(exchange, reply);
            }
        }
        Ok(())
    }

    fn guarded(&mut self, asker: &Asker, entity: &'m Entity, relation: &Relation) -> Result<(), postgres::Error> {
        let reads = self.decision(asker, entity, RuleAction::Select);
        let name = specc_prove::name(self.surface.model, entity.id);
        let select = self.surface.each(&asker.role, relation);
        let request = page(asker, relation, &select.clone().unwrap_or(Select::All), self.budget.rows);
        // Rows come and go: what differs is looked at again before it is said.
        for last in [false, false, true] {
            let outcome = match &reads {
                None => Expected::Denied,
                Some(decision) => {
                    let condition =
                        self.condition(entity, decision, |rule| rule.when.as_ref().map(|when| &when.formula));
                    match self.counted(asker, entity, &condition)? {
                        Ok(rows) => Expected::Rows(rows),
                        Err(why) => {
                            let exchange = exchange(asker, name.clone(), request, Wish::Reached, reads.as_ref());
                            self.uncounted(exchange, why);
                            break;
                        }
                    }
                }
            };
            let wish = Wish::Access { outcome, total: None };
            let exchange = exchange(asker, name.clone(), request.clone(), wish, reads.as_ref());
            let reply = self.send(&exchange.request)?;
            if last || exchange.verdict(&reply, &self.report.anon) == Verdict::Passed {
                if let (Some(decision), Expected::Rows(rows)) = (&reads, outcome)
                    && rows >= self.budget.rows
                {
                    self.beyond(asker, entity, relation, decision)?;
                }
                self.report.add(exchange, reply);
                break;
            }
        }
        if self.budget.writes {
            self.inserted(asker, entity, relation)?;
            for command in [RuleAction::Update, RuleAction::Delete] {
                self.written(asker, entity, relation, command, reads.as_ref())?;
            }
            self.shut(asker, relation, &name)?;
        }
        Ok(())
    }

    /// What the rules let through could not be counted: since what they name is not there, or whoever connects does not see it.
    fn uncounted(&mut self, mut exchange: Exchange, why: Uncounted) {
        match why {
            Uncounted::Blind(message) => {
                self.report.blind.insert(exchange.entity.clone());
                let why = format!("whoever connects has to see all rows, and is told: {message}");
                self.report.skip(&exchange, why);
            }
            Uncounted::Gone(code, message) => {
                exchange.wish = Wish::Access { outcome: Expected::Rows(0), total: None };
                let status = refused(&code, exchange.request.role == self.report.anon);
                let got = Got::Error(code, "-".to_owned(), message);
                let reply = Reply { status, got, total: None, micros: 0, of_body: false, body: String::new() };
                self.report.add(exchange, reply);
            }
            Uncounted::Other(message) => {
                self.report.skip(&exchange, format!("what the rules let through cannot be counted: {message}"));
            }
        }
    }

    /// There are more rows than are read: of those that the rules keep back some are asked for by their keys, and that only a
    /// part was compared is said.
    fn beyond(
        &mut self,
        asker: &Asker,
        entity: &'m Entity,
        relation: &Relation,
        decision: &Decision<'m>,
    ) -> Result<(), postgres::Error> {
        let name = specc_prove::name(self.surface.model, entity.id);
        let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
        let select = self.surface.readable(&asker.role, relation).unwrap_or(Select::All);
        let names: Vec<SmolStr> = key.iter().map(|field| entity.fields[*field].name.clone()).collect();
        let all = page(asker, relation, &select, self.budget.rows);
        let part = exchange(asker, name.clone(), all, Wish::Reached, Some(decision));
        let mut why =
            format!("of the rows only {} were compared, and there may be more: `--rows` takes more", self.budget.rows);
        if !names.is_empty() && names.iter().all(|name| select.has(name)) {
            let condition = self.condition(entity, decision, |rule| rule.when.as_ref().map(|when| &when.formula));
            let keys: Vec<String> = names.iter().map(|name| format!("{ROW}.{}::text", quote::ident(name))).collect();
            let sql = format!(
                "select array[{}] from {} as {ROW} where ({condition}) is not true limit {HIDDEN}",
                keys.join(", "),
                specc_prove::table(self.surface.model, entity.id)
            );
            match self.asked(asker, &sql)? {
                Ok(rows) => {
                    for row in rows {
                        let found: Vec<(SmolStr, String)> =
                            names.iter().cloned().zip(row.get::<_, Vec<String>>(0)).collect();
                        let mut request = base(asker, relation, Method::Get);
                        request.query.push(("select".to_owned(), select.words()));
                        request.query.extend(found.iter().map(|(name, text)| (named(name), format!("eq.{text}"))));
                        request.prepared = shape::read(&table(relation), select.list(), &found, &[], None);
                        let wish = Wish::Access { outcome: Expected::Rows(0), total: None };
                        let exchange = exchange(asker, name.clone(), request, wish, Some(decision));
                        let reply = self.send(&exchange.request)?;
                        self.report.add(exchange, reply);
                    }
                    why.push_str(&format!("; up to {HIDDEN} that the rules keep back were asked for by their keys"));
                }
                Err(error) => {
                    why.push_str(&format!("; those that the rules keep back were not found: {}", error.words()))
                }
            }
        }
        self.report.skip(&part, why);
        Ok(())
    }

    fn decision(&self, asker: &Asker, entity: &'m Entity, command: RuleAction) -> Option<Decision<'m>> {
        let model = self.surface.model;
        Effective::decision(model, entity, &acts_as(model, &asker.role), command)
    }

    /// That the rules let a row through, as a condition; `of`: what of a rule is asked.
    fn condition<'d>(
        &self,
        entity: &Entity,
        decision: &Decision<'d>,
        of: impl Fn(&'d Rule) -> Option<&'d Formula>,
    ) -> String {
        let truth = |rule: &'d Rule| {
            of(rule).map(|formula| format!("(({}) is true)", of_row(self.surface.model, entity.id, ROW, formula)))
        };
        let opens: Vec<String> =
            decision.openings.iter().map(|opening| truth(opening.rule).unwrap_or_else(|| "true".to_owned())).collect();
        let mut all = vec![format!("({})", opens.join(" or "))];
        for rule in &decision.narrowings {
            all.push(match truth(rule) {
                None => "false".to_owned(),
                Some(truth) if rule.unless || rule.exact => truth,
                Some(truth) => format!("not {truth}"),
            });
        }
        all.join(" and ")
    }

    /// Runs a query as whoever connects, with what the session says of who asks; or why all rows are not seen.
    fn asked(&mut self, asker: &Asker, sql: &str) -> Result<Result<Vec<postgres::Row>, Uncounted>, postgres::Error> {
        let mut transaction = self.session.build_transaction().read_only(true).start()?;
        for pair in asker.settings.chunks_exact(2) {
            transaction.execute("select pg_catalog.set_config($1, $2, true)", &[&pair[0], &pair[1]])?;
        }
        // Whoever is bound by the rules herself is told so, and not answered with fewer rows.
        transaction.batch_execute("set local row_security = off")?;
        let found = transaction.query(sql, &[]);
        transaction.rollback()?;
        match found {
            Ok(rows) => Ok(Ok(rows)),
            Err(error) => match error.as_db_error() {
                Some(db) => Ok(Err(Uncounted::of(db.code().code(), db.message()))),
                None => Err(error),
            },
        }
    }

    fn counted(
        &mut self,
        asker: &Asker,
        entity: &Entity,
        condition: &str,
    ) -> Result<Result<u64, Uncounted>, postgres::Error> {
        let sql = format!(
            "select pg_catalog.count(*) from (select from {} as {ROW} where {condition} limit {}) counted",
            specc_prove::table(self.surface.model, entity.id),
            self.budget.rows
        );
        let rows = self.asked(asker, &sql)?;
        Ok(rows.map(|rows| rows.first().map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))))
    }

    /// No row at all, which the right to insert is asked for all the same.
    fn inserted(&mut self, asker: &Asker, entity: &'m Entity, relation: &Relation) -> Result<(), postgres::Error> {
        let decision = self.decision(asker, entity, RuleAction::Insert);
        let open = decision.as_ref().and_then(|decision| decision.columns.as_ref());
        let opened = |name: &str| open.is_none_or(|open| open.iter().any(|field| entity.fields[*field].name == name));
        let columns: Vec<(SmolStr, DataType)> = relation
            .columns
            .iter()
            .filter(|column| column.written && opened(&column.name))
            .filter_map(|column| Some((column.name.clone(), column.ty.clone()?)))
            .collect();
        if columns.is_empty() {
            return Ok(());
        }
        let mut request = base(asker, relation, Method::Post);
        let names: Vec<String> = columns.iter().map(|(name, _)| named(name)).collect();
        request.query.push(("columns".into(), names.join(",")));
        request.prefer.push("return=minimal");
        request.gives = Gives::Nothing;
        request.prepared = shape::insert(&table(relation), &columns, "[]", None, None);
        request.body = Some("[]".to_owned());
        let outcome = if decision.is_some() { Expected::Rows(0) } else { Expected::Denied };
        let wish = Wish::Access { outcome, total: None };
        let name = specc_prove::name(self.surface.model, entity.id);
        let exchange = exchange(asker, name, request, wish, decision.as_ref());
        let reply = self.send(&exchange.request)?;
        self.report.add(exchange, reply);
        Ok(())
    }

    /// Rows that are there, each changed to what it is or deleted, by its key.
    fn written(
        &mut self,
        asker: &Asker,
        entity: &'m Entity,
        relation: &Relation,
        command: RuleAction,
        reads: Option<&Decision<'m>>,
    ) -> Result<(), postgres::Error> {
        let key = entity.key.as_ref().map(|key| key.fields.as_slice()).unwrap_or_default();
        let decision = self.decision(asker, entity, command);
        // A row that is named is read.
        let (Some(decision), Some(reads), false) = (decision, reads, key.is_empty()) else { return Ok(()) };
        let name = specc_prove::name(self.surface.model, entity.id);
        let is_free = |field: &usize| {
            let own = &entity.fields[*field];
            let every = |opening: &specc_model::effective::Opening<'_>| {
                opening.columns.is_empty() || opening.columns.contains(field)
            };
            let closed = decision.closed.iter().any(|(_, columns)| columns.contains(field));
            own.generated.is_none()
                && own.identity.is_none()
                && own.maintained.is_none()
                && !key.contains(field)
                && !closed
                && decision.openings.iter().all(every)
        };
        let free = (0..entity.fields.len()).find(is_free);
        if command == RuleAction::Update && free.is_none() {
            return Ok(());
        }
        let model = self.surface.model;
        let when = |rule: &'m Rule| rule.when.as_ref().map(|when| &when.formula);
        let after = |rule: &'m Rule| rule.check.as_ref().or(rule.when.as_ref()).map(|check| &check.formula);
        let (seen, reached, passes) = (
            self.condition(entity, reads, when),
            self.condition(entity, &decision, when),
            self.condition(entity, &decision, after),
        );
        let keys: Vec<String> =
            key.iter().map(|field| format!("{ROW}.{}::text", quote::ident(&entity.fields[*field].name))).collect();
        let value = free.map_or("null".to_owned(), |field| {
            format!("pg_catalog.to_json({ROW}.{})::text", quote::ident(&entity.fields[field].name))
        });
        // Of both sorts of rows some: the first that are met.
        let sql = format!(
            "select few.keys, few.value, few.lets, few.passes from (select all_of.*, \
               pg_catalog.row_number() over (partition by all_of.lets, all_of.passes) as nth \
             from (select array[{}] as keys, {value} as value, ({seen}) and ({reached}) as lets, ({passes}) as passes \
               from {} as {ROW} limit {}) as all_of) as few where few.nth <= 2",
            keys.join(", "),
            specc_prove::table(model, entity.id),
            self.budget.rows
        );
        let rows = match self.asked(asker, &sql)? {
            Ok(rows) => rows,
            Err(why) => {
                let method = if command == RuleAction::Update { Method::Patch } else { Method::Delete };
                let request = base(asker, relation, method);
                self.uncounted(exchange(asker, name, request, Wish::Reached, Some(&decision)), why);
                return Ok(());
            }
        };
        for row in rows {
            let (texts, value): (Vec<String>, Option<String>) = (row.get(0), row.get(1));
            let found: Vec<(SmolStr, String)> =
                key.iter().zip(texts).map(|(field, text)| (entity.fields[*field].name.clone(), text)).collect();
            let method = if command == RuleAction::Update { Method::Patch } else { Method::Delete };
            let mut request = base(asker, relation, method);
            request.query = found.iter().map(|(name, text)| (named(name), format!("eq.{text}"))).collect();
            request.prefer.push("return=minimal");
            request.gives = Gives::Nothing;
            let outcome = match (row.get::<_, bool>(2), row.get::<_, bool>(3)) {
                (false, _) => Expected::Rows(0),
                (true, false) if command == RuleAction::Update => Expected::Denied,
                (true, _) => Expected::Rows(1),
            };
            request.prepared = match (command, free) {
                (RuleAction::Update, Some(field)) => {
                    let column = &entity.fields[field].name;
                    let value = value.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
                    let body = Value::Object(Map::from_iter([(column.to_string(), value)])).to_string();
                    let ty = type_of(relation, column).unwrap_or_else(|| DataType::builtin("text"));
                    request.body = Some(body.clone());
                    shape::update(&table(relation), &[(column.clone(), ty)], &body, &found, None)
                }
                _ => shape::delete(&table(relation), &found, None),
            };
            let wish = Wish::Access { outcome, total: None };
            let exchange = exchange(asker, name.clone(), request, wish, Some(&decision));
            let reply = self.send(&exchange.request)?;
            // A trigger that makes something else of a deletion hides whether the rules let it pass.
            let is_kept = command == RuleAction::Delete && outcome == Expected::Rows(1) && reply.got == Got::Rows(0);
            if is_kept && self.is_turned(relation)? {
                self.report.skip(&exchange, "a trigger makes something else of a deletion".to_owned());
                continue;
            }
            self.report.add(exchange, reply);
        }
        Ok(())
    }

    /// Whether a trigger decides what becomes of a deletion.
    fn is_turned(&mut self, relation: &Relation) -> Result<bool, postgres::Error> {
        let name = quote::qualified(&relation.name.schema, &relation.name.name);
        let row = self.session.query_one(
            "select exists (select from pg_catalog.pg_trigger where tgrelid = $1::text::regclass and not tgisinternal
             and tgenabled <> 'D' and tgtype & 11 = 11)",
            &[&name],
        )?;
        row.try_get(0)
    }
}

/// What a server says of names may be said on; what functions and triggers say, and of values, may have rows in it.
pub(crate) fn without_values(got: Got) -> Got {
    let is_of_names = |code: &str, message: &str| match code {
        "42501" => ["permission denied", "must be ", "new row violates row-level security policy"]
            .iter()
            .any(|start| message.starts_with(start)),
        // Of the class of Postgres for names and types; of the API; of a gateway, which has no code.
        code => code.is_empty() || code.starts_with("42") || code.starts_with("PGRST"),
    };
    match got {
        Got::Error(code, by, message) if !is_of_names(&code, &message) => {
            Got::Error(code, by, "the message is not shown, since it may have values of rows".to_owned())
        }
        other => other,
    }
}

fn exchange(asker: &Asker, entity: String, request: Request, wish: Wish, decision: Option<&Decision<'_>>) -> Exchange {
    let lines = decision.map(Decision::lines).unwrap_or_default();
    Exchange {
        entity,
        kind: Kind::Rows,
        lines: vec![asker.words()],
        rules: lines.iter().map(|line| line.rule.span).collect(),
        request,
        wish,
    }
}

pub(crate) fn base(asker: &Asker, relation: &Relation, method: Method) -> Request {
    Request {
        role: asker.role.to_string(),
        settings: asker.settings.clone(),
        method,
        schema: relation.name.schema.clone(),
        path: format!("/{}", encoded(&relation.name.name)),
        query: Vec::new(),
        prefer: Vec::new(),
        body: None,
        page: None,
        gives: Gives::Rows,
        writes: method != Method::Get,
        prepared: Default::default(),
    }
}

/// The first rows.
pub(crate) fn page(asker: &Asker, relation: &Relation, select: &Select, limit: u64) -> Request {
    let page = Page { limit, offset: 0, counted: false };
    let mut request = base(asker, relation, Method::Get);
    request.query.extend([("select".to_owned(), select.words()), ("limit".to_owned(), limit.to_string())]);
    request.page = Some(page);
    request.prepared = shape::read(&table(relation), select.list(), &[], &[], Some(page));
    request
}
