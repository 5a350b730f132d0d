//! Code that nobody would write: nothing ends the program, and the time grows with the length.

use proptest::prelude::*;
use specc_catalog::Catalog;
use specc_diag::Sources;
use specc_flows::{Report, json, markdown, scan};

fn look(files: &[(&str, &str)]) -> (Report, Sources) {
    let mut sources = Sources::new();
    for (name, text) in files {
        sources.add(*name, *text);
    }
    let catalog = Catalog::new();
    let report = scan(&sources, &catalog, &catalog, &["anon".into()]);
    for finding in &report.findings {
        for label in &finding.labels {
            let text = &sources.file(label.span.file).text;
            assert!(text.get(label.span.start as usize..label.span.end as usize).is_some(), "{finding:?}");
        }
        specc_diag::render(finding, &sources, specc_diag::RenderOptions::default());
    }
    markdown(&report, &sources, "x");
    json(&report, &sources);
    (report, sources)
}

#[test]
fn depth_and_length_end_nothing() {
    let n = 5_000;
    let mut texts: Vec<String> =
        ["(", "[", "{", "!", "a=>", "a?b:", "<a>", "`${", "x={a:", "if(a)", "f(", "a.b(", "function f(){", "\"", "/*"]
            .iter()
            .map(|part| part.repeat(n / part.len()))
            .collect();
    let client = "const supabase = createClient();\n";
    texts.push(format!("{client}supabase.from('t').select('a'){};", ".eq('a', 1)".repeat(2_000)));
    texts.push(format!("{client}supabase.from('t').select({}'a');", "'a' + ".repeat(2_000)));
    texts.push(format!("{client}supabase.from('t').insert({}1{});", "{ a: [".repeat(500), "] }".repeat(500)));
    texts.push(format!("{client}supabase.from('t').select('{}');", "a(".repeat(2_000)));
    texts.push(format!("{client}{}", (0..2_000).map(|n| format!("const v{n} = v{};\n", n + 1)).collect::<String>()));
    texts.push(format!(
        "{client}{}",
        (0..500)
            .map(|n| format!("let a{n} = a{}; a{n} = a{n}.eq('x'); a{} = a{n};\n", (n + 1) % 500, (n + 7) % 500))
            .collect::<String>()
    ));
    texts.push(format!("{}supabase.from('t').select('a'){}", "{ let a = 1; ".repeat(1_000), "}".repeat(1_000)));
    for text in &texts {
        look(&[("a.tsx", text), ("b.ts", text), ("c.vue", &format!("<script>{text}</script>"))]);
    }
}

#[test]
fn files_that_lead_in_circles_end() {
    let (report, _) = look(&[
        ("a.ts", "export * from './b'; export { x } from './b'; import { y } from './b'; y.from('t').select('a')"),
        ("b.ts", "export * from './a'; export { x as y } from './a'; export * from './b'"),
        ("c.ts", "const f = () => f(); f().from('t').select('a'); const { a } = a; let b = b; b.from('t').select('c')"),
    ]);
    assert!(report.findings.iter().all(|finding| finding.code.name() == "E0867"), "{:?}", report.findings);
}

#[test]
fn broken_code_is_said_and_the_rest_is_read() {
    let (report, _) =
        look(&[("a.ts", "const supabase = createClient()\nsupabase.from('gone').select('a')\nconst = = 3;\n")]);
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code.name()).collect();
    assert_eq!(codes, ["E0867", "W0865"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_words_end_the_program(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "supabase", ".from('t')", ".select('a, b(c)')", ".select(`a${x}`)", ".eq('a.b', 1)", ".or('a.eq.1')", "(", ")", "{", "}",
                "const x = ", "let y;", "x", "y = ", "=> ", "return ", "function f(a) ", "class A ", "import { x } from './b'\n", "export ",
                "`", "${", "'", ";", "\n", "<div>", "</div>", ".rpc('f', { a: 1 })", ".insert([{ a, ...x }])", "é", "this.", "[0]", ".storage",
                ".on('postgres_changes', { table: 't' })", ".schema('s')", "await ", "? ", ": ", "+ ", "createClient(u, k)", "enum E { A = 'a' }",
            ]),
            0..40,
        )
    ) {
        let text = words.concat();
        look(&[("a.tsx", &text), ("b.ts", &text), ("c.svelte", &text)]);
    }
}
