//! Markdown pages, ERDs, access matrices, state diagrams and the SVG.
//!
//! [`generate`] is a pure function of a model, its catalog and a few options: no clock, no file system, the same bytes
//! on every run. Everything that several pages ask for is looked up once, in [`book`]; each page is one function that
//! writes one string.

mod access;
mod areas;
mod behaviour;
mod book;
mod dictionary;
mod entity;
mod mermaid;
mod overview;
mod svg;
mod text;
mod workflows;

use book::Book;
use rayon::prelude::*;
use smol_str::SmolStr;
use specc_catalog::Catalog;
use specc_model::Model;

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
}

/// All files of the docs, sorted by path.
pub fn generate(model: &Model, catalog: &Catalog, options: &Options) -> Vec<DocFile> {
    let book = Book::new(model, catalog, options);
    let file = |path: &str, contents: String| DocFile { path: path.to_owned(), contents };
    let (mut files, singles) = rayon::join(
        || {
            let entities =
                book.own.par_iter().map(|id| DocFile { path: book.path(*id), contents: entity::page(&book, *id) });
            let areas = book
                .areas
                .par_iter()
                .map(|area| DocFile { path: area.path.clone(), contents: areas::page(&book, area) });
            entities.chain(areas).collect::<Vec<_>>()
        },
        || {
            let pages: [(&str, fn(&Book<'_>) -> String); 6] = [
                ("README.md", overview::page),
                ("access.md", access::page),
                ("dictionary.md", dictionary::page),
                ("erd.mmd", mermaid::whole),
                ("erd.svg", svg::draw),
                ("workflows.md", workflows::page),
            ];
            pages.par_iter().map(|(path, page)| file(path, page(&book))).collect::<Vec<_>>()
        },
    );
    files.extend(singles);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
