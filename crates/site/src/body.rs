//! A page's Markdown as HTML, and what of it can be searched.

use crate::html::{encode, escape, escaped};
use crate::outline::{Heading, parser, slug};
use crate::paths::Target;
use crate::search::Entry;
use crate::{Lost, Site, diagram};
use pulldown_cmark::{CodeBlockKind, CowStr, Event, LinkType, Tag, TagEnd};
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// What became of a page.
pub struct Body {
    /// What stands in its middle.
    pub html: String,
    pub entries: Vec<Entry>,
    pub lost: Vec<Lost>,
}

/// Writes the page at a place of the list.
pub fn write(site: &Site<'_>, at: usize) -> Body {
    let (path, text) = site.pages[at];
    let mut writer = Writer {
        site,
        path,
        headings: site.outlines[at].headings.iter(),
        body: Body { html: String::with_capacity(text.len() * 3), entries: Vec::new(), lost: Vec::new() },
        page: at,
        open: Vec::new(),
        texts: vec![String::new()],
        items: Vec::new(),
        links: Vec::new(),
        table: Table::default(),
        section: None,
        code: None,
        drawn: false,
        taken: FxHashMap::default(),
    };
    parser(text).for_each(|event| writer.event(event));
    writer.end_section();
    writer.body
}

struct Writer<'s> {
    site: &'s Site<'s>,
    path: &'s str,
    page: usize,
    /// Those that are still to come.
    headings: std::slice::Iter<'s, Heading>,
    body: Body,
    /// How the spans and blocks that are open end.
    open: Vec<&'static str>,
    /// The text of the section, and of headings, cells and items that are open in it.
    texts: Vec<String>,
    items: Vec<Item>,
    /// Links that are open: whether they are written.
    links: Vec<bool>,
    table: Table,
    section: Option<&'s Heading>,
    /// The language and the text of a block of code that is open.
    code: Option<(String, String)>,
    /// Whether the page's drawing of entities stands already.
    drawn: bool,
    /// Anchors of rows and items, with the last number behind each.
    taken: FxHashMap<String, usize>,
}

/// An item of a list.
struct Item {
    /// Where it begins in the HTML.
    at: usize,
    /// What it begins with, where that is code or strong.
    lead: Option<String>,
    /// Nothing of it was written yet.
    fresh: bool,
}

#[derive(Default)]
struct Table {
    in_head: bool,
    /// Where the row begins in the HTML.
    row: usize,
    cells: Vec<String>,
    /// Whether the first cell has a link in it: then the row speaks of another page.
    links: bool,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.text(&text),
            },
            Event::Code(text) => {
                self.lead(&text, true);
                self.body.html.push_str("<code>");
                escape(&text, &mut self.body.html);
                self.body.html.push_str("</code>");
                self.words(&text);
            }
            // The one tag that the pages have: a break in a cell.
            Event::InlineHtml(tag) | Event::Html(tag) if &*tag == "<br>" => {
                self.body.html.push_str("<br>");
                self.words(" ");
            }
            Event::InlineHtml(text) | Event::Html(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text(&text);
            }
            Event::SoftBreak => self.space("\n"),
            Event::HardBreak => self.space("<br>"),
            Event::Rule => self.body.html.push_str("<hr>\n"),
            Event::FootnoteReference(_) | Event::TaskListMarker(_) => {}
        }
    }

    fn space(&mut self, html: &str) {
        self.body.html.push_str(html);
        self.words(" ");
    }

    fn text(&mut self, text: &str) {
        let strong = self.open.last() == Some(&"</strong>");
        self.lead(text, strong);
        escape(text, &mut self.body.html);
        self.words(text);
    }

    /// Keeps what an item begins with.
    fn lead(&mut self, text: &str, is_name: bool) {
        if let Some(item) = self.items.last_mut().filter(|item| item.fresh) {
            item.fresh = false;
            item.lead = (is_name && self.links.is_empty()).then(|| text.to_owned());
        }
    }

    /// Keeps text for the search.
    fn words(&mut self, text: &str) {
        if let Some(open) = self.texts.last_mut() {
            open.push_str(text);
        }
    }

    fn block(&mut self, begin: &str, end: &'static str) {
        self.body.html.push_str(begin);
        self.open.push(end);
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.block("<p>", "</p>\n"),
            Tag::Heading { .. } => {
                self.end_section();
                self.section = self.headings.next();
                if let Some(Heading { level, anchor, .. }) = self.section {
                    let _ = write!(self.body.html, "<h{level} id=\"{}\">", escaped(anchor));
                }
                self.texts.push(String::new());
            }
            Tag::BlockQuote(_) => self.block("<blockquote>\n", "</blockquote>\n"),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.into_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                self.code = Some((language, String::new()));
            }
            Tag::List(None) => self.block("<ul>\n", "</ul>\n"),
            Tag::List(Some(first)) => self.block(&format!("<ol start=\"{first}\">\n"), "</ol>\n"),
            Tag::Item => {
                self.items.push(Item { at: self.body.html.len(), lead: None, fresh: true });
                self.texts.push(String::new());
                self.block("<li>", "</li>\n");
            }
            Tag::Table(_) => {
                let name = self.section.map(|section| escaped(&section.text)).unwrap_or_default();
                let head = format!(
                    "<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"Table: {name}\"><table>\n"
                );
                self.block(&head, "</tbody></table></div>\n");
            }
            Tag::TableHead | Tag::TableRow => {
                self.table =
                    Table { in_head: matches!(tag, Tag::TableHead), row: self.body.html.len(), ..Table::default() };
                let (begin, end) = match self.table.in_head {
                    true => ("<thead><tr>", "</tr></thead>\n<tbody>\n"),
                    false => ("<tr>", "</tr>\n"),
                };
                self.block(begin, end);
            }
            Tag::TableCell => {
                self.texts.push(String::new());
                match self.table.in_head {
                    true => self.block("<th scope=\"col\">", "</th>"),
                    false => self.block("<td>", "</td>"),
                }
            }
            Tag::Emphasis => self.block("<em>", "</em>"),
            Tag::Strong => self.block("<strong>", "</strong>"),
            Tag::Strikethrough => self.block("<del>", "</del>"),
            Tag::Link { dest_url, link_type, .. } => self.link(&dest_url, link_type == LinkType::Email),
            // A picture of elsewhere is not fetched: what it shows stands there as a link.
            Tag::Image { dest_url, .. } => self.link(&dest_url, false),
            _ => self.open.push(""),
        }
    }

    fn link(&mut self, written: &str, mail: bool) {
        let written: CowStr<'_> = if mail { format!("mailto:{written}").into() } else { written.into() };
        let target = self.site.paths.target(self.path, &self.site.outlines, &written);
        let lost = |target: &str| Lost { page: self.path.to_owned(), target: target.to_owned() };
        let (begin, end) = match target {
            Target::Inside(address, whole) => {
                if !whole {
                    self.body.lost.push(lost(&written));
                }
                (format!("<a href=\"{}\">", escaped(&address)), "</a>")
            }
            Target::Outside(address) => {
                (format!("<a rel=\"noopener noreferrer\" href=\"{}\">", escaped(&address)), "</a>")
            }
            Target::Nowhere => {
                self.body.lost.push(lost(&written));
                ("<span class=\"lost\">".to_owned(), "</span>")
            }
        };
        if self.table.cells.is_empty() {
            self.table.links = true;
        }
        self.links.push(true);
        self.block(&begin, end);
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.texts.pop();
                if let Some(Heading { level, anchor, text }) = self.section {
                    let _ = writeln!(
                        self.body.html,
                        " <a class=\"anchor\" href=\"#{}\" aria-label=\"Link to {}\">#</a></h{level}>",
                        encode(anchor),
                        escaped(text)
                    );
                }
            }
            TagEnd::CodeBlock => self.code_block(),
            TagEnd::Item => {
                self.close();
                self.item();
            }
            TagEnd::TableHead => self.close(),
            TagEnd::TableRow => {
                self.close();
                self.row();
            }
            TagEnd::TableCell => {
                let text = self.texts.pop().unwrap_or_default();
                self.table.cells.push(text);
                self.close();
            }
            TagEnd::Link | TagEnd::Image => {
                self.links.pop();
                self.close();
            }
            TagEnd::Paragraph => {
                self.close();
                self.words(" ");
            }
            _ => self.close(),
        }
    }

    fn close(&mut self) {
        let end = self.open.pop().unwrap_or_default();
        self.body.html.push_str(end);
    }

    fn code_block(&mut self) {
        let Some((language, code)) = self.code.take() else { return };
        if language == "mermaid" {
            return self.drawing(&code);
        }
        let word: String = language.chars().take_while(|c| c.is_ascii_alphanumeric()).collect();
        let _ = write!(self.body.html, "<pre tabindex=\"0\"><code class=\"language-{word}\">");
        escape(&code, &mut self.body.html);
        self.body.html.push_str("</code></pre>\n");
        self.words(&code);
    }

    /// What the page has as Mermaid is drawn here: nothing of Mermaid is in the site.
    fn drawing(&mut self, mermaid: &str) {
        if let Some(svg) = self.site.figures.states(mermaid) {
            diagram::states(&svg, &mut self.body.html);
            let steps = mermaid.lines().filter(|line| line.contains("-->") && !line.contains("[*]"));
            steps.for_each(|line| self.words(&format!("{}; ", line.trim().replace("-->", "to"))));
        } else if mermaid.starts_with("erDiagram") {
            if !std::mem::replace(&mut self.drawn, true) {
                self.body.html.push_str(&diagram::of_page(self.site, self.path));
            }
        } else {
            self.body.html.push_str("<pre tabindex=\"0\"><code>");
            escape(mermaid, &mut self.body.html);
            self.body.html.push_str("</code></pre>\n");
        }
    }

    /// Makes an anchor, and an entry for the search, of an item that begins with a name.
    fn item(&mut self) {
        let text = self.texts.pop().unwrap_or_default();
        let Some(Item { at, lead, .. }) = self.items.pop() else { return };
        match lead {
            Some(lead) => {
                let rest = text.strip_prefix(lead.as_str()).unwrap_or(&text).trim_start_matches(':').trim();
                let anchor = self.anchor(&lead);
                self.body.html.insert_str(at + "<li".len(), &format!(" id=\"{}\"", escaped(&anchor)));
                self.entry(anchor, lead, rest.to_owned());
            }
            None => {
                self.words(&text);
                self.words(" ");
            }
        }
    }

    /// The same of a row of a table, by its first cell.
    fn row(&mut self) {
        let Table { row, cells, links, .. } = std::mem::take(&mut self.table);
        let Some((first, rest)) = cells.split_first() else { return };
        let rest: Vec<&str> = rest.iter().map(String::as_str).filter(|cell| !cell.trim().is_empty()).collect();
        if first.trim().is_empty() {
            return rest.iter().for_each(|cell| self.words(&format!("{cell} ")));
        }
        if !links {
            let anchor = self.anchor(first);
            self.body.html.insert_str(row + "<tr".len(), &format!(" id=\"{}\"", escaped(&anchor)));
            return self.entry(anchor, first.clone(), rest.join(" · "));
        }
        // It speaks of what has a page, which says the rest; one thing more may be said only here.
        if let (Some(section), [said], 2) = (self.section, rest.as_slice(), cells.len()) {
            self.entry(section.anchor.clone(), format!("{first}: {said}"), String::new());
        }
    }

    /// An anchor that no heading can have, since theirs have no colon.
    fn anchor(&mut self, name: &str) -> String {
        let section = self.section.map_or("", |section| section.anchor.as_str());
        let first = format!("{section}:{}", slug(name));
        let mut anchor = first.clone();
        let mut number = self.taken.get(&first).copied().unwrap_or(0);
        while self.taken.contains_key(&anchor) {
            number += 1;
            anchor = format!("{first}-{number}");
        }
        self.taken.insert(first, number.max(1));
        self.taken.entry(anchor.clone()).or_insert(1);
        anchor
    }

    fn entry(&mut self, anchor: String, title: String, text: String) {
        let section = self.section.filter(|section| section.level > 1).map(|section| section.text.clone());
        self.body.entries.push(Entry { page: self.page, anchor, title, section: section.unwrap_or_default(), text });
    }

    /// What stood in the section that ends here.
    fn end_section(&mut self) {
        let text = self.texts.first_mut().map(std::mem::take).unwrap_or_default();
        let Some(Heading { level, anchor, text: title }) = self.section else { return };
        let anchor = if *level == 1 { String::new() } else { anchor.clone() };
        let entry = Entry { page: self.page, anchor, title: title.clone(), section: String::new(), text };
        self.body.entries.push(entry);
    }
}
