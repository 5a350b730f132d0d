//! Catalog to spec: a tidy folder of `.dbspec` files that builds to the same catalog.
//!
//! Each object is first said as an author would say it. Then the text is read as a build reads it, and compared with the
//! catalog, object by object; what has an error or means something else is said with every name and its expressions as
//! they are, then with its expressions in `sql $$ … $$`, and at last as a `sql` block with the SQL that makes it. So
//! nothing is dropped, and what is written is right because it was read.

mod check;
mod files;
mod lists;
mod patterns;
mod render;
mod same;
mod sql_text;
mod state;
mod text;

pub use same::difference;

use smol_str::SmolStr;
use specc_catalog::{Catalog, Kind, Object, ObjectId};
use specc_model::Target;
use state::State;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the folder is for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The project's name.
    pub name: String,
    /// What the database is.
    pub target: Target,
    /// The schema of names without one.
    pub default_schema: SmolStr,
}

impl Options {
    /// For a database of this kind, names without a schema in `public`.
    pub fn new(name: impl Into<String>, target: Target) -> Self {
        Self { name: name.into(), target, default_schema: "public".into() }
    }

    /// The settings that the folder is read with.
    pub fn model(&self) -> specc_model::Options {
        specc_model::Options {
            target: self.target,
            default_schema: self.default_schema.clone(),
            derive: false,
            ..specc_model::Options::default()
        }
    }
}

/// A folder, and what became of the objects.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// Name and text of each file.
    pub files: Vec<(String, String)>,
    /// The text of `specc.toml`.
    pub toml: String,
    /// How many objects of each kind constructs say.
    pub typed: BTreeMap<Kind, usize>,
    /// What stands in `sql` blocks.
    pub blocks: Vec<Block>,
    /// What the folder does not say right. Empty, unless specc itself is wrong.
    pub problems: Vec<String>,
}

/// An object that stands in a `sql` block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The block's name.
    pub name: SmolStr,
    /// What it makes.
    pub object: ObjectId,
    /// Why no construct says it.
    pub why: String,
    /// The block sets a comment of the object, or of one of its columns; all else of it is said by constructs.
    pub comment: bool,
}

/// More often than this nothing is said in another way: each object has four.
const ROUNDS: usize = 40;

/// The folder that says `catalog`.
pub fn pull(catalog: &Catalog, options: &Options) -> Pulled {
    let model = options.model();
    let shipped = specc_model::analyze(Vec::new(), &mut specc_diag::Sources::new(), model.clone()).0;
    let roles = shipped.roles.iter().map(|role| role.name.clone()).collect();
    let mut state = State::new(catalog, options, roles);
    let mut problems = Vec::new();
    for _ in 0..ROUNDS {
        problems.clear();
        if !round(&mut state, &model, &mut problems) {
            break;
        }
    }
    if problems.is_empty() {
        patterns::apply(&mut state, &model, |trial| {
            let mut problems = Vec::new();
            !round(trial, &model, &mut problems) && problems.is_empty()
        });
    }
    let texts = files::files(&state, render::items(&state));
    let laid_out = |text: &str| specc_syntax::fmt(text).unwrap_or_else(|_| text.to_owned());
    let mut pulled = Pulled {
        files: texts.iter().map(|(name, text)| (name.clone(), laid_out(&text.out))).collect(),
        toml: toml(options),
        typed: BTreeMap::new(),
        blocks: Vec::new(),
        problems,
    };
    if pulled.files.is_empty() {
        pulled.files.push(("schema.dbspec".into(), "// The database has no objects yet.\n".into()));
    }
    for (id, entry) in catalog.iter() {
        if state.is_typed(id) {
            *pulled.typed.entry(id.kind).or_default() += 1;
        } else {
            let name = match &entry.object {
                Object::Sql(sql) => sql.name.clone(),
                _ => render::block_name(id),
            };
            pulled.blocks.push(Block { name, object: id.clone(), why: state.why(id).to_owned(), comment: false });
        }
    }
    for (id, name, why) in render::comment_blocks(&state) {
        pulled.blocks.push(Block { name, object: id, why, comment: true });
    }
    pulled
}

/// Writes, reads, and says in another way what did not come back. False where all did.
fn round(state: &mut State<'_>, model: &specc_model::Options, problems: &mut Vec<String>) -> bool {
    state.settle();
    let texts = files::files(state, render::items(state));
    let files: Vec<_> = texts.iter().map(|(name, text)| (name.clone(), text.out.as_str())).collect();
    let compiled = check::read(&files, model);
    let plain: Vec<_> = texts.iter().map(|(_, text)| text.clone()).collect();
    check::check(state, &plain, &compiled, problems)
}

fn toml(options: &Options) -> String {
    let text = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let target = match options.target {
        Target::Supabase => "supabase",
        Target::Postgres => "postgres",
        Target::Citus => "citus",
    };
    let mut out = format!("name = {}\ntarget = \"{target}\"\n\n", text(&options.name));
    out.push_str("# The files say all there is: references make no indexes, rules make no grants.\nderive = false\n");
    if options.default_schema != "public" {
        let _ = write!(out, "\n[schemas]\ndefault = {}\n", text(&options.default_schema));
    }
    out
}
