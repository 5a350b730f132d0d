//! Helper functions that policies call: one for each different body, in the helper schema, with the rights of the owner.

use super::named;
use crate::Output;
use crate::behaviour::plpgsql::indented;
use crate::expr::{Folder, Frame};
use crate::structure::depends::{looked_up_id, session_schema};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{
    Body, DataType, Dependency, Entry, Function, Kind, Object, ObjectId, Param, Returns, TableName, View, Volatility,
};
use specc_model::{EntityId, Model, Target};
use specc_sql::quote;

/// Where everything that is generated looks names up. The temporary schema comes last: first, where it is searched when it
/// is not named, it lets whoever may make temporary objects put a type of a known name in front.
pub(crate) const SEARCH_PATH: &str = "pg_catalog, pg_temp";

/// A helper before it is named.
#[derive(Clone)]
pub(super) struct Wanted {
    pub params: Vec<DataType>,
    pub answer: Answer,
    /// One `select`, without a semicolon.
    pub body: String,
    /// Tables that it reads.
    pub reads: Vec<EntityId>,
    pub functions: Vec<ObjectId>,
}

/// In which form a helper gives what its query finds.
#[derive(Clone)]
pub(super) enum Answer {
    /// A view, which is planned with the query that reads it.
    View,
    /// A function with one value.
    Value(DataType),
    /// A function that gives all keys as one array of this type: rows that come back one by one cost twice as much.
    Keys(DataType),
    /// A function with rows of several columns.
    Rows(Vec<(SmolStr, DataType)>),
}

/// The helpers that conditions ask for, by what they are called.
#[derive(Default)]
pub(super) struct Helpers {
    list: Vec<(ObjectId, Wanted)>,
    at: FxHashMap<ObjectId, usize>,
}

impl Helpers {
    /// The id of the helper with this body, which alone decides how it is called. Of names that two bodies would share,
    /// `shared`, each has a hash of its own.
    pub fn get(&mut self, model: &Model, wanted: Wanted, shared: &FxHashSet<ObjectId>) -> ObjectId {
        let name = named::name(&wanted.body, &model.options.default_schema);
        let called = |name: &str| match wanted.answer {
            Answer::View => ObjectId::new(Kind::View, model.options.helper_schema.clone(), name),
            _ => function_id(model, name, &wanted.params),
        };
        let mut id = called(&name);
        if shared.contains(&id) {
            id = called(&named::hashed(&name, &wanted.body));
        }
        if !self.at.contains_key(&id) {
            self.at.insert(id.clone(), self.list.len());
            self.list.push((id.clone(), wanted));
        }
        id
    }

    /// Leaves out what nobody calls.
    pub fn called(mut self, calls: &FxHashSet<ObjectId>) -> Self {
        self.list.retain(|(id, _)| calls.contains(id));
        self.at = self.list.iter().enumerate().map(|(at, (id, _))| (id.clone(), at)).collect();
        self
    }

    /// Takes over what others asked for; gives the names that two bodies share.
    pub fn merge(&mut self, others: Helpers) -> Vec<ObjectId> {
        let mut shared = Vec::new();
        for (id, wanted) in others.list {
            match self.at.get(&id) {
                Some(at) if self.list[*at].1.body != wanted.body => shared.push(id),
                Some(_) => {}
                None => {
                    self.at.insert(id.clone(), self.list.len());
                    self.list.push((id, wanted));
                }
            }
        }
        shared
    }

    /// Puts all into the catalog.
    pub fn finish(self, model: &Model, out: &mut Output) {
        for (id, wanted) in self.list {
            let comment = named::comment(&wanted.body);
            let function = |returns: Returns, query: String| {
                let body = Body::Atomic(format!("{query};").into());
                Entry::new(stable(model, &id.name, wanted.params, returns, body, true))
            };
            let mut entry = match wanted.answer {
                Answer::View => Entry::new(view(model, &id.name, wanted.body.into())),
                Answer::Value(ty) => function(Returns::Type(ty), wanted.body),
                Answer::Keys(ty) => {
                    let query = indented(&wanted.body, 2);
                    function(Returns::Type(ty), format!("select array(\n    {query}\n  )"))
                }
                Answer::Rows(columns) => function(Returns::Table(columns), wanted.body),
            };
            entry.comment = Some(comment.into());
            let own = wanted.reads.iter().map(|e| model.entity(*e)).filter(|e| !e.external);
            entry.area = own.clone().map(|e| e.meta.area.clone()).next().unwrap_or_else(|| "access".into());
            entry.depends =
                own.map(|e| Dependency::new(crate::structure::table_of(e).id(), "it reads this table")).collect();
            entry.depends.extend(wanted.functions.into_iter().map(|f| Dependency::new(f, "it calls this function")));
            entry.depends.sort();
            entry.depends.dedup();
            out.add(model, entry);
        }
    }
}

/// The id of a function of the helper schema.
pub(super) fn function_id(model: &Model, name: &str, params: &[DataType]) -> ObjectId {
    let types: Vec<_> = params.iter().map(ToString::to_string).collect();
    ObjectId::new(Kind::Function, model.options.helper_schema.clone(), name).part(types.join(", "))
}

/// A view that reads with the rights of its owner: a policy's plain `exists` over it is planned for the query at hand, once
/// for all rows or by key, which no function is. Whoever may read it directly gives no function of his own the rows that it
/// leaves out.
fn view(model: &Model, name: &str, query: SmolStr) -> View {
    View {
        view: TableName::new(model.options.helper_schema.clone(), name),
        columns: Vec::new(),
        query,
        materialized: false,
        security_invoker: false,
        security_barrier: true,
        check_option: None,
        no_data: false,
    }
}

/// A function in the shape that was measured fastest under row level security: SQL, stable, parallel safe, its search
/// path pinned.
pub(super) fn stable(
    model: &Model,
    name: &str,
    params: Vec<DataType>,
    returns: Returns,
    body: Body,
    definer: bool,
) -> Function {
    let param = |ty| Param { mode: "in".into(), name: SmolStr::default(), ty, default: None };
    Function {
        schema: model.options.helper_schema.clone(),
        name: name.into(),
        procedure: false,
        params: params.into_iter().map(param).collect(),
        returns: Some(returns),
        language: "sql".into(),
        body,
        volatility: Volatility::Stable,
        strict: false,
        parallel: Some("safe".into()),
        leakproof: false,
        security_definer: definer,
        cost: None,
        rows: None,
        settings: vec![("search_path".into(), SEARCH_PATH.into())],
    }
}

/// The functions that say who is asking. They do not call `auth.uid()`, which is not parallel safe.
pub(super) fn session(model: &Model, out: &mut Output, claims: bool) {
    let setting = |name: &str| format!("current_setting({}, true)", quote::literal(name));
    let options = &model.options;
    let key = model.viewer.and_then(|viewer| {
        let entity = model.entity(viewer);
        let field = *entity.key.as_ref()?.fields.first()?;
        Some(nullable(model, &entity.fields[field].ty))
    });
    let key = key.unwrap_or_else(|| DataType::builtin("uuid"));
    let json = format!("nullif({}, '')::jsonb", setting(&options.claims_setting));
    let subject = match options.target {
        Target::Supabase => format!(
            "nullif(\n    coalesce(\n      nullif({}, ''),\n      {json} ->> 'sub'\n    ),\n    ''\n  )::{key}",
            setting("request.jwt.claim.sub")
        ),
        Target::Postgres | Target::Citus => format!("nullif({}, '')::{key}", setting(&options.viewer_setting)),
    };
    let mut add = |name: &str, returns: DataType, value: String, comment: &str| {
        let body = Body::Atomic(format!("select {value};").into());
        let function = stable(model, name, Vec::new(), Returns::Type(returns), body, false);
        let mut entry = Entry::new(function);
        entry.comment = Some(comment.into());
        entry.area = "access".into();
        let id = function_id(model, name, &[]);
        // Where all there is stands in the files, it may stand there already.
        if model.options.derive || !out.catalog.contains(&id) {
            out.add(model, entry);
        }
    };
    let who = "Who is asking: the key of the viewer, or null. Parallel safe, unlike auth.uid().";
    let who = if options.target == Target::Supabase { who } else { "Who is asking: the key of the viewer, or null." };
    add("viewer_id", key, subject, who);
    if claims {
        add("claims", DataType::builtin("jsonb"), json, "The claims of the request's token, or null.");
    }
}

/// Without its domains: nobody may be asking, and a domain may refuse null.
fn nullable(model: &Model, ty: &specc_model::Type) -> DataType {
    crate::types::data_type(model, &model.under(ty))
}

/// `viewer.role`: a function that reads one column of the viewer's row.
/// The same for bodies that clients run, which look its name up: they may use the schema that has these and nothing else.
pub(super) fn looked_up(model: &Model, out: &mut Output, name: &str) {
    let id = function_id(model, name, &[]);
    let Some(Object::Function(of)) = out.catalog.get(&id).map(|entry| &entry.object) else { return };
    let call = format!("select {}();", quote::qualified(&model.options.helper_schema, name));
    let returns = of.returns.clone().unwrap_or(Returns::Type(DataType::builtin("void")));
    let mut function = stable(model, name, Vec::new(), returns, Body::Atomic(call.into()), false);
    function.schema = session_schema(model);
    let mut entry = Entry::new(function);
    entry.comment = Some(format!("Calls {id} for bodies that clients run.", id = id.name).into());
    entry.area = "access".into();
    entry.depends.push(Dependency::new(id.clone(), "it calls this function"));
    out.add(model, entry);
    // Whoever calls the one calls the other.
    let twin = looked_up_id(model, name);
    let callers: Vec<ObjectId> = out
        .catalog
        .iter()
        .filter(|(_, entry)| match &entry.object {
            Object::Function(f) => !f.security_definer && !f.body.is_atomic(),
            _ => false,
        })
        .filter(|(_, entry)| entry.depends.iter().any(|dependency| dependency.on == id))
        .map(|(caller, _)| caller.clone())
        .collect();
    for caller in callers {
        if let Some(entry) = out.catalog.get_mut(&caller) {
            entry.depends.push(Dependency::new(twin.clone(), "its body calls this function"));
            entry.depends.sort();
        }
    }
}

pub(super) fn viewer_field(model: &Model, out: &mut Output, field: usize) {
    let Some(viewer) = model.viewer.map(|id| model.entity(id)) else { return };
    let Some(key) = viewer.key.as_ref().and_then(|key| key.fields.first().copied()) else { return };
    let column = &viewer.fields[field];
    let name = format!("viewer_{}", column.name);
    let table = quote::qualified(&viewer.name.schema, &viewer.name.name);
    // Who has been removed has no rank any more.
    let seen = Folder::new(model, Frame::default()).visible(viewer.id, &"v".into());
    let body = format!(
        "select v.{} from {table} as v where v.{} = {}(){}",
        quote::ident(&column.name),
        quote::ident(&viewer.fields[key].name),
        quote::qualified(&model.options.helper_schema, "viewer_id"),
        seen.map(|seen| format!(" and {seen}")).unwrap_or_default(),
    );
    let returns = Returns::Type(nullable(model, &column.ty));
    let function = stable(model, &name, Vec::new(), returns, Body::Atomic(format!("{body};").into()), true);
    let mut entry = Entry::new(function);
    entry.comment = Some(format!("The {} of who is asking, read past row level security.", column.name).into());
    entry.area = "access".into();
    let table = ObjectId::new(Kind::Table, viewer.name.schema.clone(), viewer.name.name.clone());
    entry.depends.push(Dependency::new(table, "it reads this table"));
    entry.depends.push(Dependency::new(function_id(model, "viewer_id", &[]), "it calls this function"));
    out.add(model, entry);
}
