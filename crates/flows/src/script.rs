//! Which parts of a file are code.

use crate::syntax::Dialect;

/// The extensions of the files that are looked into.
pub const EXTENSIONS: [&str; 8] = ["ts", "tsx", "js", "jsx", "mjs", "cjs", "vue", "svelte"];

/// The parts of a file that are code, with where they begin: all of it, or its `<script>` blocks.
pub(crate) fn parts<'t>(name: &str, text: &'t str) -> Vec<(usize, &'t str, Dialect)> {
    match name.rsplit_once('.').map(|(_, end)| end) {
        Some("ts") => vec![(0, text, Dialect::TypeScript)],
        Some("vue" | "svelte") => blocks(text),
        _ => vec![(0, text, Dialect::Tsx)],
    }
}

fn blocks(text: &str) -> Vec<(usize, &str, Dialect)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(begin) = find(text, at, "<script") {
        let Some(open) = text[begin..].find('>').map(|n| begin + n + 1) else { break };
        let Some(close) = find(text, open, "</script") else { break };
        let attributes = &text[begin..open];
        let plain = attributes.contains("ts") && !attributes.contains("tsx");
        found.push((open, &text[open..close], if plain { Dialect::TypeScript } else { Dialect::Tsx }));
        at = close;
    }
    found
}

/// The next place of a tag, however its letters are written.
fn find(text: &str, from: usize, tag: &str) -> Option<usize> {
    let is_here =
        |at: &usize| text.as_bytes()[*at..].get(..tag.len()).is_some_and(|w| w.eq_ignore_ascii_case(tag.as_bytes()));
    (from..text.len()).find(is_here)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn scripts_are_cut_out() {
        let text = "<template>a < b</template>\n<SCRIPT setup lang=\"ts\">\nlet a;\n</script><script>b</Script><script";
        let found: Vec<_> = parts("a.vue", text).into_iter().map(|(at, part, _)| (at, part)).collect();
        assert_eq!(found, [(51, "\nlet a;\n"), (76, "b")]);
        assert_eq!(parts("a.svelte", "é<script>").len(), 0);
    }
}
