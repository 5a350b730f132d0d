//! The package: what the rest of the team starts from, with this project's own names in it.
//!
//! Its pages lie in a folder of their own beside the others and link to them. Every block of code in them is run or type-checked by
//! a test (`tests/tests/sentences`).

mod api;
mod guides;
mod operate;
mod project;

use crate::book::Book;
use crate::{DocFile, Options, mark};
use specc_catalog::Catalog;
use specc_model::Model;
use specc_types::Api;

/// What the pages of the package need besides the model and its catalog.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// The way from the package's folder to that of the other pages, such as `../`; empty where they are the same.
    pub to_docs: String,
    /// Name and text of each migration, in the order in which they run.
    pub migrations: Vec<(String, String)>,
    /// The whole schema as one file of SQL, if it is to be part of the package.
    pub schema: Option<String>,
}

/// What the pages of the package are made from.
struct Room<'b, 'a> {
    book: &'b Book<'a>,
    api: &'b Api<'a>,
    package: &'b Package,
}

impl Room<'_, '_> {
    /// A link to one of the other pages, from a page in the package's own folder.
    fn link(&self, words: &str, page: &str) -> String {
        format!("[{words}]({}{page})", self.package.to_docs)
    }
}

/// The files of the package, sorted by path, relative to its folder.
pub fn package(model: &Model, catalog: &Catalog, options: &Options, package: &Package) -> Vec<DocFile> {
    let api = Api::new(catalog, &options.around);
    let book = Book::over(model, catalog, options, Some(&api));
    let room = Room { book: &book, api: &api, package };
    let mut files = api::pages(&room);
    let mut add = |path: &str, contents: String| files.push(DocFile { path: path.to_owned(), contents });
    if book.is_supabase() {
        add("react.md", guides::react(&room));
        add("nextjs.md", guides::nextjs(&room));
    }
    add("sqlx.md", guides::sqlx(&room));
    add("psql.md", guides::psql(&room));
    add("security.md", project::security(&room));
    add("performance.md", project::performance(&room));
    add("features.md", project::features(&room));
    add("changes.md", project::changes(&room));
    add("runbooks.md", operate::runbooks(&room));
    add("calendar.md", operate::calendar(&room));
    add("troubleshooting.md", operate::troubleshooting(&room));
    add("README.md", project::start(&room));
    for file in &mut files {
        file.contents.truncate(file.contents.trim_end().len());
        file.contents.push('\n');
        file.contents.insert_str(0, &mark(&file.path));
    }
    if let Some(schema) = &package.schema {
        files.push(DocFile { path: "schema.sql".to_owned(), contents: schema.clone() });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}
