//! Helper functions that policies call: one for each different body, in the helper schema, as rights of the owner.

use crate::Output;
use crate::expr::{Folder, Frame};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Body, DataType, Dependency, Entry, Function, Kind, ObjectId, Param, Returns, Volatility};
use specc_model::{EntityId, Model, Target};
use specc_sql::quote;
use std::collections::BTreeSet;

/// A helper before it is named.
pub(super) struct Wanted {
    /// A name that says what it answers.
    pub hint: String,
    pub params: Vec<DataType>,
    pub returns: Returns,
    /// One `select`, without a semicolon.
    pub body: String,
    pub comment: String,
    /// Tables that it reads.
    pub reads: Vec<EntityId>,
    pub functions: Vec<ObjectId>,
    pub area: SmolStr,
}

struct Helper {
    name: SmolStr,
    wanted: Wanted,
    roles: BTreeSet<SmolStr>,
}

/// All helpers of a project.
#[derive(Default)]
pub(super) struct Helpers {
    list: Vec<Helper>,
    by_body: FxHashMap<String, usize>,
    names: FxHashMap<SmolStr, usize>,
}

impl Helpers {
    /// The call name of the helper with this body, made if it is new; `roles` (empty: everyone) may call it.
    pub fn get(&mut self, model: &Model, wanted: Wanted, roles: &[SmolStr]) -> String {
        let key = format!("{:?} {}", wanted.params, wanted.body);
        let at = *self.by_body.entry(key).or_insert_with(|| {
            let name = unique(&mut self.names, &wanted.hint);
            self.list.push(Helper { name, wanted, roles: BTreeSet::new() });
            self.list.len() - 1
        });
        let helper = &mut self.list[at];
        helper.roles.extend(everyone(roles));
        quote::qualified(&model.options.helper_schema, &helper.name)
    }

    /// Whether none was asked for.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The id of the helper with this call name's last part.
    pub fn id(&self, model: &Model, name: &str) -> Option<ObjectId> {
        let helper = self.list.iter().find(|h| h.name == name)?;
        Some(function_id(model, &helper.name, &helper.wanted.params))
    }

    /// Puts all into the catalog; returns who may execute what.
    pub fn finish(self, model: &Model, out: &mut Output) -> Vec<(ObjectId, BTreeSet<SmolStr>)> {
        let mut executes = Vec::new();
        for helper in self.list {
            let wanted = helper.wanted;
            let id = function_id(model, &helper.name, &wanted.params);
            let body = format!("{};", wanted.body);
            let mut entry =
                Entry::new(stable(model, &helper.name, wanted.params, wanted.returns, Body::Atomic(body.into()), true));
            entry.comment = Some(wanted.comment.into());
            entry.area = wanted.area;
            let tables = wanted.reads.iter().filter(|e| !model.entity(**e).external).map(|e| {
                let name = &model.entity(*e).name;
                Dependency::new(
                    ObjectId::new(Kind::Table, name.schema.clone(), name.name.clone()),
                    "it reads this table",
                )
            });
            entry.depends = tables.collect();
            entry.depends.extend(wanted.functions.into_iter().map(|f| Dependency::new(f, "it calls this function")));
            entry.depends.sort();
            entry.depends.dedup();
            add(model, out, entry);
            executes.push((id, helper.roles));
        }
        executes
    }
}

/// Adds a function of the helper schema, which comes with the first of them.
fn add(model: &Model, out: &mut Output, entry: Entry) {
    crate::structure::helper_schema(model, &mut out.catalog);
    out.add(entry);
}

/// Roles as grantees: none given means everyone.
pub(super) fn everyone(roles: &[SmolStr]) -> Vec<SmolStr> {
    if roles.is_empty() { vec!["public".into()] } else { roles.to_vec() }
}

/// The id of a function of the helper schema.
pub(super) fn function_id(model: &Model, name: &str, params: &[DataType]) -> ObjectId {
    let types: Vec<_> = params.iter().map(ToString::to_string).collect();
    ObjectId::new(Kind::Function, model.options.helper_schema.clone(), name).part(types.join(", "))
}

/// A function in the shape that was measured fastest under row level security: SQL, stable, parallel safe, its search
/// path pinned.
fn stable(model: &Model, name: &str, params: Vec<DataType>, returns: Returns, body: Body, definer: bool) -> Function {
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
        settings: vec![("search_path".into(), SmolStr::default())],
    }
}

fn unique(names: &mut FxHashMap<SmolStr, usize>, hint: &str) -> SmolStr {
    // Rules may be named by sentences; a function is better called by words.
    let words = hint.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let hint = words.map(str::to_lowercase).collect::<Vec<_>>().join("_");
    let hint = crate::names::cut(&hint, 58);
    let seen = names.entry(hint.clone()).or_insert(0);
    *seen += 1;
    if *seen == 1 { hint } else { format!("{hint}_{seen}").into() }
}

/// The functions that say who is asking. They do not call `auth.uid()`, which is not parallel safe.
pub(super) fn session(model: &Model, out: &mut Output, claims: bool) -> Vec<ObjectId> {
    let setting = |name: &str| format!("current_setting({}, true)", quote::literal(name));
    let options = &model.options;
    let key = model.viewer.and_then(|viewer| {
        let entity = model.entity(viewer);
        let field = *entity.key.as_ref()?.fields.first()?;
        Some(crate::types::data_type(model, &entity.fields[field].ty))
    });
    let key = key.unwrap_or_else(|| DataType::builtin("uuid"));
    let json = format!("nullif({}, '')::jsonb", setting(&options.claims_setting));
    let subject = match options.target {
        Target::Supabase => format!(
            "nullif(\n    coalesce(\n      nullif({}, ''),\n      {json} ->> 'sub'\n    ),\n    ''\n  )::{key}",
            setting("request.jwt.claim.sub")
        ),
        Target::Postgres => format!("nullif({}, '')::{key}", setting(&options.viewer_setting)),
    };
    let mut ids = Vec::new();
    let mut add = |name: &str, returns: DataType, value: String, comment: &str| {
        let body = Body::Text(format!("\n  select {value}\n").into());
        let function = stable(model, name, Vec::new(), Returns::Type(returns), body, false);
        let mut entry = Entry::new(function);
        entry.comment = Some(comment.into());
        entry.area = "access".into();
        let id = function_id(model, name, &[]);
        // Where all there is stands in the files, it may stand there already.
        if model.options.derive || !out.catalog.contains(&id) {
            ids.push(id);
            self::add(model, out, entry);
        }
    };
    let who = "Who is asking: the key of the viewer, or null. Parallel safe, unlike auth.uid().";
    let who = if options.target == Target::Supabase { who } else { "Who is asking: the key of the viewer, or null." };
    add("viewer_id", key, subject, who);
    if claims {
        add("claims", DataType::builtin("jsonb"), json, "The claims of the request's token, or null.");
    }
    ids
}

/// `viewer.role`: a function that reads one column of the viewer's row.
pub(super) fn viewer_field(model: &Model, out: &mut Output, field: usize) -> Option<ObjectId> {
    let viewer = model.entity(model.viewer?);
    let key = *viewer.key.as_ref()?.fields.first()?;
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
    let returns = Returns::Type(crate::types::data_type(model, &column.ty));
    let function = stable(model, &name, Vec::new(), returns, Body::Atomic(format!("{body};").into()), true);
    let mut entry = Entry::new(function);
    entry.comment = Some(format!("The {} of who is asking, read past row level security.", column.name).into());
    entry.area = "access".into();
    let table = ObjectId::new(Kind::Table, viewer.name.schema.clone(), viewer.name.name.clone());
    entry.depends.push(Dependency::new(table, "it reads this table"));
    entry.depends.push(Dependency::new(function_id(model, "viewer_id", &[]), "it calls this function"));
    add(model, out, entry);
    Some(function_id(model, &name, &[]))
}
