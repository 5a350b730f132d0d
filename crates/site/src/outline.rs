//! What a page has to link to: its title, and the anchors of its headings.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use rustc_hash::FxHashMap;

/// How every page is read.
pub fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// A heading.
pub struct Heading {
    /// From 1 for the page's own.
    pub level: u8,
    pub anchor: String,
    pub text: String,
}

/// A page's title and headings.
pub struct Outline {
    pub headings: Vec<Heading>,
}

impl Outline {
    /// Reads the headings of a page.
    pub fn of(text: &str) -> Self {
        let mut anchors = Anchors::default();
        let mut headings = Vec::new();
        let mut open: Option<String> = None;
        for event in parser(text) {
            match event {
                Event::Start(Tag::Heading { .. }) => open = Some(String::new()),
                Event::End(TagEnd::Heading(level)) => {
                    let text = open.take().unwrap_or_default();
                    headings.push(Heading { level: number(level), anchor: anchors.of(&text), text });
                }
                Event::Text(part) | Event::Code(part) | Event::Html(part) | Event::InlineHtml(part) => {
                    if let Some(open) = &mut open {
                        open.push_str(&part);
                    }
                }
                _ => {}
            }
        }
        Self { headings }
    }

    /// The page's title; nothing where it has none.
    pub fn title(&self) -> &str {
        let first = self.headings.iter().find(|heading| heading.level == 1).or_else(|| self.headings.first());
        first.map_or("", |heading| heading.text.as_str())
    }

    /// Whether a heading has this anchor.
    pub fn has(&self, anchor: &str) -> bool {
        self.headings.iter().any(|heading| heading.anchor == anchor)
    }
}

fn number(level: HeadingLevel) -> u8 {
    level as u8
}

/// Gives headings their anchors as GitHub does, so that a link leads to the same place there and here.
#[derive(Default)]
struct Anchors {
    taken: FxHashMap<String, usize>,
}

impl Anchors {
    fn of(&mut self, text: &str) -> String {
        let plain = slug(text);
        let mut anchor = plain.clone();
        while self.taken.contains_key(&anchor) {
            let times = self.taken.entry(plain.clone()).or_insert(0);
            *times += 1;
            anchor = format!("{plain}-{times}");
        }
        self.taken.insert(anchor.clone(), 0);
        anchor
    }
}

/// Letters, digits, `-` and `_` in lower case, with `-` for spaces.
pub fn slug(text: &str) -> String {
    let keep = |c: char| match c {
        ' ' => Some('-'),
        c if c.is_alphanumeric() || matches!(c, '-' | '_') => Some(c),
        _ => None,
    };
    text.trim().to_lowercase().chars().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::Outline;

    #[test]
    fn every_anchor_is_there_once() {
        let outline = Outline::of("# A b!\n\n## A b\n\n## `a_b` c\n\n## A b 1\n\n## A b\n\n## <i>\n");
        let anchors: Vec<&str> = outline.headings.iter().map(|heading| heading.anchor.as_str()).collect();
        assert_eq!(anchors, ["a-b", "a-b-1", "a_b-c", "a-b-1-1", "a-b-2", "i"]);
        assert_eq!(outline.title(), "A b!");
    }
}
