//! The drawings that go with the pages, for who shows those otherwise than as Markdown.

use crate::book::{Area, Book};
use crate::{Options, svg, workflows};
use rustc_hash::FxHashMap;
use specc_catalog::Catalog;
use specc_model::{EntityId, Model};

/// More entities than this are drawn area by area only.
const MOST: usize = 400;

/// Draws, and says which pages belong together.
pub struct Figures<'a> {
    book: Book<'a>,
    /// The workflows, by their Mermaid.
    states: FxHashMap<String, (EntityId, usize)>,
}

/// Entities of one area.
pub struct Section {
    /// Its name.
    pub name: String,
    /// The path of its page.
    pub page: String,
    /// The names of its entities, and the paths of their pages.
    pub entities: Vec<(String, String)>,
}

/// The address, on the page that is drawn for, of the page of a path.
pub use crate::svg::Link;

impl<'a> Figures<'a> {
    /// Of the same book as [`crate::generate`] writes.
    pub fn new(model: &'a Model, catalog: &'a Catalog, options: &'a Options) -> Self {
        let book = Book::new(model, catalog, options);
        let mut states = FxHashMap::default();
        for &id in &book.own {
            for (at, workflow) in model.entity(id).workflows.iter().enumerate() {
                states.entry(workflows::diagram(workflow)).or_insert((id, at));
            }
        }
        Self { book, states }
    }

    /// The rules that a page with drawings in it needs, as CSS.
    pub fn style() -> &'static str {
        svg::STYLE
    }

    /// The roles, in the order in which the drawings number those that may read an entity.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.book.roles().iter().map(|role| role.name.as_str())
    }

    /// The areas.
    pub fn sections(&self) -> Vec<Section> {
        let entity = |id: &EntityId| (self.book.label(*id).to_owned(), self.book.path(*id));
        let section = |area: &Area| Section {
            name: area.name.to_string(),
            page: area.path.clone(),
            entities: area.entities.iter().map(entity).collect(),
        };
        self.book.areas.iter().map(section).collect()
    }

    /// The diagram of everything; none where there is nothing, or too much for one.
    pub fn whole(&self, link: Link<'_>) -> Option<String> {
        let count = self.book.own.len();
        (1..=MOST).contains(&count).then(|| svg::whole(&self.book, link))
    }

    /// The diagrams of the area that has this page.
    pub fn area(&self, page: &str, link: Link<'_>) -> Vec<String> {
        let area = self.book.areas.iter().find(|area| area.path == page);
        area.map(|area| svg::area(&self.book, area, link)).unwrap_or_default()
    }

    /// The drawing of a workflow that a page shows as this Mermaid.
    pub fn states(&self, mermaid: &str) -> Option<String> {
        let &(id, at) = self.states.get(mermaid)?;
        Some(svg::states(&self.book.model.entity(id).workflows[at]))
    }
}
