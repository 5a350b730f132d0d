//! The pages of the docs as a site: static HTML that needs no server and no network.
//!
//! [`each_file`] takes any list of pages in Markdown, whichever there are, and the drawings that go with them. [`outline`] learns
//! what can be linked to, [`body`] writes a page's Markdown as HTML and collects what can be searched, [`frame`] puts the rest of
//! the page around it. Nothing of a page's HTML is handed on: what is no Markdown shows as text.

mod body;
mod diagram;
mod frame;
mod html;
mod nav;
mod outline;
mod paths;
mod search;

use frame::Frame;
use outline::Outline;
use paths::Paths;
use rayon::prelude::*;
use specc_catalog::MARK;
use specc_docs::{DocFile, Figures};

/// A link that leads to no page, or to no heading of one: it shows as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lost {
    /// The path of the page that it is on.
    pub page: String,
    /// What it names.
    pub target: String,
}

/// What all pages are written from.
struct Site<'s> {
    project: &'s str,
    /// The pages in Markdown, without the first line that says who wrote them.
    pages: Vec<(&'s str, &'s str)>,
    /// Of each.
    outlines: Vec<Outline>,
    paths: Paths<'s>,
    figures: &'s Figures<'s>,
}

/// The pages of the site's own, besides those of the book.
const PAGES: &str = "pages.html";
/// The diagram of everything: what a link to the drawing leads to.
const DIAGRAM: &str = "erd.html";
/// The drawing that the book has as a file.
const DRAWING: &str = "erd.svg";

/// Gives each file of the site to `take` as soon as it is made, in no order and from several threads. Returns the links that lead
/// nowhere, sorted.
pub fn each_file(project: &str, book: &[DocFile], figures: &Figures<'_>, take: impl Fn(DocFile) + Sync) -> Vec<Lost> {
    let paths = Paths::new(book);
    let mut pages: Vec<(&str, &str)> = Vec::with_capacity(book.len());
    for file in book {
        if file.path.ends_with(".md") {
            pages.push((&file.path, unmarked(&file.contents)));
        } else if file.path != DRAWING {
            take(file.clone());
        }
    }
    let outlines = pages.par_iter().map(|(_, text)| Outline::of(text)).collect();
    let site = Site { project, pages, outlines, paths, figures };
    let nav = nav::Nav::new(&site);
    let frame = Frame { site: &site, nav: &nav };
    let made: Vec<(Vec<search::Entry>, Vec<Lost>)> = (0..site.pages.len())
        .into_par_iter()
        .map(|at| {
            let body = body::write(&site, at);
            take(DocFile { path: site.paths.address(site.pages[at].0), contents: frame.page(at, &body) });
            (body.entries, body.lost)
        })
        .collect();
    let (entries, lost): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    take(DocFile { path: DIAGRAM.to_owned(), contents: frame.own(DIAGRAM, "Diagram", &diagram::whole(&site)) });
    take(DocFile { path: PAGES.to_owned(), contents: frame.own(PAGES, "All pages", &nav.list()) });
    take(DocFile { path: frame::INDEX.to_owned(), contents: search::index(&site, &entries) });
    let style = format!("/* {MARK} */\n{}.figure{{\n{}}}\n", include_str!("assets/site.css"), Figures::style());
    take(DocFile { path: frame::STYLE.to_owned(), contents: style });
    let script = format!("// {MARK}\n{}", include_str!("assets/site.js"));
    take(DocFile { path: frame::SCRIPT.to_owned(), contents: script });
    let mut lost: Vec<Lost> = lost.into_iter().flatten().collect();
    lost.sort();
    lost.dedup();
    lost
}

/// A page without the comment that says who wrote it.
fn unmarked(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with("<!--") && first.contains(MARK) => rest,
        _ => text,
    }
}
