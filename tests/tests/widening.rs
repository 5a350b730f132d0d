//! What one spec opens and another does not, on real servers with both: the row that is shown is let through by the one and
//! held back by the other. The specs are the holes of `tests/access` beside their sound twins.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::print_stdout)]

use specc_model::{Model, Options};
use specc_postgres::Session;
use specc_prove::{Case, Verdict};
use specc_tests::build::build;
use specc_tests::replay::{BARE, model_of, outcome};
use specc_tests::{VERSIONS, root};
use std::fmt::Write;

/// The names of the tables with those of their columns.
fn shape(model: &Model) -> Vec<String> {
    let fields = |entity: &specc_model::Entity| -> String {
        let all = entity.fields.iter().map(|f| format!("{} {:?} {}", f.name, f.ty, f.immutable));
        all.collect::<Vec<_>>().join(", ")
    };
    model.entities.iter().map(|entity| format!("{} {}", entity.name.name, fields(entity))).collect()
}

/// A database of a spec, without what a case does not speak of.
fn made(text: &str, major: u32, run: impl FnOnce(&mut Session)) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("specc.toml"), "name = \"twin\"\n").unwrap();
    std::fs::write(dir.path().join("twin.dbspec"), text).unwrap();
    let built = build(dir.path());
    let db = built.bare_database(major);
    let mut session = db.connect().unwrap();
    for (name, text) in built.migrations() {
        specc_postgres::load_sql(&mut session, &text).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    session.batch_execute(BARE).unwrap();
    run(&mut session);
}

/// Whether a server lets all of a case through: by a statement that names the row, or by one that names none.
fn passes(session: &mut Session, case: &Case, model: &Model, blind: bool) -> Option<bool> {
    let got = outcome(session, case, model, blind)?;
    Some(got.len() == case.steps.len() && got.iter().all(|one| matches!(one, Ok(rows) if *rows > 0)))
}

#[test]
fn what_is_wider_and_what_is_narrower_is_so_on_a_server() {
    let mut folders: Vec<_> =
        std::fs::read_dir(root().join("tests/access")).unwrap().map(|folder| folder.unwrap().path()).collect();
    folders.sort();
    folders.retain(|folder| !std::fs::read_to_string(folder.join("expect.toml")).unwrap().contains("options"));
    // Of many folders some, the same whatever comes beside them: each makes four databases.
    let number = |folder: &std::path::PathBuf| {
        let name = folder.file_name().unwrap().to_string_lossy();
        name.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
    };
    folders.retain(|folder| number(folder) % 10 == 3);
    let (mut wrong, mut tried, mut same) = (String::new(), 0, 0);
    for folder in &folders {
        let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        let (sound, leaky) = (text("sound.dbspec"), text("leaky.dbspec"));
        let model = |text: &str| model_of(&[("twin.dbspec", text.to_owned())], Options::default()).0;
        let (before, after) = (model(&sound), model(&leaky));
        if shape(&before) != shape(&after) {
            continue;
        }
        let compared = specc_prove::compare(&before, &after);
        // Each case with whether the later spec lets it through; the earlier one does the opposite.
        let mut cases: Vec<(&Case, bool)> = Vec::new();
        for difference in &compared.all {
            for (more, later) in [(&difference.wider, true), (&difference.narrower, false)] {
                match &more.rows {
                    Verdict::Counterexample(Some(case)) => cases.push((case, later)),
                    Verdict::Proven { .. } => same += 1,
                    _ => {}
                }
            }
        }
        if cases.is_empty() {
            continue;
        }
        for major in VERSIONS {
            for (text, is_later) in [(&sound, false), (&leaky, true)] {
                made(text, major, |session| {
                    for (case, later) in &cases {
                        let wanted = *later == is_later;
                        let Some(named) = passes(session, case, &compared.model, false) else { continue };
                        let blind = passes(session, case, &compared.model, true).unwrap_or_default();
                        tried += 1;
                        if if wanted { !named && !blind } else { named } {
                            let lines = case.lines(&compared.model).join("\n  ");
                            let _ = writeln!(wrong, "{}: {major} {is_later} {wanted}\n  {lines}", folder.display());
                        }
                    }
                });
            }
        }
    }
    println!("{tried} statements, {same} times the same");
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(tried >= 30 && same > 100, "{tried} {same}");
}

/// A spec is neither wider nor narrower than itself, however it is laid out, and than itself with all rules written apart.
const NAMED: &str = "
viewer -> profiles
enum state { open, closed, gone }
function odd(n: int) -> boolean language plpgsql stable to authenticated as $$ begin return n > 3; end $$
function mine(whom: uuid) -> boolean language sql stable to authenticated as $$ select whom = auth.uid() $$
entity profiles {
  id -> auth.users key
  policy { own: allow select to authenticated when id = viewer }
}
entity items {
  id: int key
  state: state = 'open'
  size: int
  owner_id -> profiles
  index (owner_id)
  policy {
    readers: allow select to authenticated when state = 'open' and mine(owner_id)
    odds: allow update to authenticated when odd(size) and owner_id = viewer
    raw: allow delete to authenticated when sql $$ state = 'open' and size > 3 $$
  }
}
entity others {
  id: int key
  size: int
  policy {
    odds: allow select to authenticated when odd(size)
    raw: allow delete to authenticated when sql $$ size > 3 $$
  }
}
";

/// Names of labels, parameters and columns change and what they mean does not: nothing is said to be wider or narrower. What
/// changes its meaning beside that is said, where it is.
#[test]
fn other_names_open_and_close_nothing() {
    let model = |text: &str| model_of(&[("names.dbspec", text.to_owned())], Options::default()).0;
    let before = model(NAMED);
    let renamed = NAMED
        .replace("{ open,", "{ opened was open,")
        .replace("'open'", "'opened'")
        .replace("odd(n: int)", "odd(number: int)")
        .replace("return n >", "return number >")
        .replace("mine(whom: uuid)", "mine(user_key: uuid)")
        .replace("select whom =", "select user_key =")
        .replace("  size: int\n  owner_id", "  amount: int was size\n  owner_id")
        .replace("odd(size) and", "odd(amount) and")
        .replace("'opened' and size", "'opened' and amount");
    let lines = |text: &str| specc_prove::compare(&before, &model(text)).lines();
    assert_eq!(lines(&renamed), [""; 0]);
    for (from, to, table) in [
        ("return number > 3", "return number > 2", "items"),
        ("'opened' and amount > 3", "'opened' and amount > 2", "items"),
        ("sql $$ size > 3", "sql $$ size > 2", "others"),
        ("'opened' and amount > 3", "'closed' and amount > 3", "items"),
    ] {
        let other = renamed.replace(from, to);
        assert_ne!(other, renamed);
        let said = lines(&other);
        assert!(said.iter().any(|line| line.contains(&format!("`{table}`"))), "{from}: {said:?}");
    }
}

#[test]
fn a_spec_is_the_same_as_itself() {
    for name in specc_tests::specs() {
        let folder = root().join("specs").join(&name);
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "dbspec"));
        paths.sort();
        let files: Vec<(String, String)> = paths
            .iter()
            .map(|path| {
                (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
            })
            .collect();
        let other: Vec<(String, String)> = files
            .iter()
            .map(|(name, text)| {
                let text = text.replace("(user_id = viewer", "(viewer = user_id");
                (name.clone(), text.replace("when user_id = viewer", "when viewer = user_id"))
            })
            .collect();
        let (before, _) = model_of(&files, Options::default());
        let alike = specc_prove::compare(&before, &before.clone());
        assert!(alike.all.is_empty() && alike.lines().is_empty(), "{name}: {:?}", alike.lines());
        let (after, _) = model_of(&other, Options::default());
        let compared = specc_prove::compare(&before, &after);
        let differs: Vec<_> = compared.all.iter().filter(|difference| !difference.is_none()).collect();
        assert!(differs.is_empty(), "{name}: {:?}", compared.lines());
        println!("{name}: {} compared", compared.all.len());
    }
}
