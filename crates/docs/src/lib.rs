//! Markdown pages, ERDs, access matrices, state diagrams and the SVG.
//!
//! [`generate`] and [`each_file`] are pure functions of a model, its catalog and a few options: no clock, no file system, the same bytes
//! on every run. Everything that several pages ask for is looked up once, in [`book`]; each page is one function that
//! writes one string.

mod access;
mod areas;
mod behaviour;
mod book;
mod claims;
mod dictionary;
mod entity;
mod figures;
mod mermaid;
mod overview;
mod package;
mod promises;
mod roles;
mod scenarios;
mod svg;
mod text;
mod workflows;

pub use claims::{Claim, Rows, Says, Then};
pub use package::{Package, package};

use book::Book;
pub use figures::{Figures, Link, Section};
use rayon::prelude::*;
use smol_str::SmolStr;
use specc_catalog::{Catalog, MARK};
use specc_model::{EntityId, Model};
use std::sync::{Mutex, PoisonError};

/// A file of the docs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocFile {
    /// Relative to the docs folder, with forward slashes.
    pub path: String,
    /// All of it.
    pub contents: String,
}

/// What the model does not know.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The project's name, for titles.
    pub project: SmolStr,
    /// Warnings that the spec accepts.
    pub accepted: Vec<AcceptedWarning>,
    /// Tables that are there besides the catalog's, such as the platform's, which views may read.
    pub around: Catalog,
}

/// A warning that the spec accepts, and why.
#[derive(Clone, Debug)]
pub struct AcceptedWarning {
    /// `W0605`
    pub code: &'static str,
    /// What the code is about.
    pub title: &'static str,
    /// What was found.
    pub message: String,
    /// File and line.
    pub place: String,
    /// The author's words.
    pub reason: SmolStr,
}

/// All files of the docs, sorted by path.
pub fn generate(model: &Model, catalog: &Catalog, options: &Options) -> Vec<DocFile> {
    let files = Mutex::new(Vec::new());
    each_file(model, catalog, options, |file| files.lock().unwrap_or_else(PoisonError::into_inner).push(file));
    let mut files = files.into_inner().unwrap_or_else(PoisonError::into_inner);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// What the pages say that can be tried on a database, as data.
pub fn claims(model: &Model, catalog: &Catalog, options: &Options) -> Vec<Claim> {
    claims::all(&Book::new(model, catalog, options))
}

/// The comment that says who wrote a file.
fn mark(path: &str) -> String {
    match path.rsplit('.').next() {
        Some("mmd") => format!("%% {MARK}\n"),
        _ => format!("<!-- {MARK} -->\n"),
    }
}

/// Writes a page of which there is one.
type Page = fn(&Book<'_>) -> String;

/// Gives each file of the docs to `take` as soon as it is made, in no order and from several threads.
pub fn each_file(model: &Model, catalog: &Catalog, options: &Options, take: impl Fn(DocFile) + Sync) {
    let book = Book::new(model, catalog, options);
    let take = |mut file: DocFile| {
        file.contents.insert_str(0, &mark(&file.path));
        take(file);
    };
    rayon::join(
        || {
            let entities = || {
                let page = |id: &EntityId| take(DocFile { path: book.path(*id), contents: entity::page(&book, *id) });
                book.own.par_iter().for_each(page);
            };
            let areas = || {
                let page =
                    |area: &book::Area| take(DocFile { path: area.path.clone(), contents: areas::page(&book, area) });
                book.areas.par_iter().for_each(page);
            };
            rayon::join(entities, areas);
            let page = |role: &book::RoleColumn<'_>| {
                take(DocFile { path: role.path.clone(), contents: roles::page(&book, role) });
            };
            book.roles_of_pages().par_iter().for_each(page);
        },
        || {
            let mut pages: Vec<(&str, Page)> = vec![
                ("README.md", overview::page),
                ("access.md", access::page),
                ("dictionary.md", dictionary::page),
                ("workflows.md", workflows::page),
            ];
            if book.is_drawn_whole() {
                pages.extend([("erd.mmd", mermaid::whole as Page), ("erd.svg", svg::draw)]);
            }
            if !book.model.scenarios.is_empty() {
                take(DocFile { path: "scenarios.md".to_owned(), contents: scenarios::page(&book) });
            }
            pages.par_iter().for_each(|(path, page)| take(DocFile { path: (*path).to_owned(), contents: page(&book) }));
        },
    );
}
