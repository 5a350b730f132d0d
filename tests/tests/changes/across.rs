//! Changes of tables that refer to each other, while others read and write both: nobody is taken back, nobody waits long.

use crate::changes::busy::{Seen, while_busy};
use crate::changes::filling::given;
use crate::changes::run::{Way, script};
use specc_postgres::{load_sql, shared};
use specc_runner::{File, Migrations, Options};
use std::time::Duration;

/// A kind of change: what `carts` and `lines` are before and after.
const KINDS: [(&str, [&str; 2]); 6] = [
    (
        "the type of a key and its references",
        [
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }",
            "entity carts { id: bigint key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }",
        ],
    ),
    (
        "new references",
        [
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id: int\n amount: int\n rls off }",
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }",
        ],
    ),
    (
        "dropped references",
        [
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }",
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id: int\n amount: int\n rls off }",
        ],
    ),
    (
        "shadow columns of both",
        [
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }",
            "entity carts { id: int key\n note: text?\n n: bigint = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: bigint\n rls off }",
        ],
    ),
    (
        "what a reference does",
        [
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }",
            "entity carts { id: int key\n note: text?\n n: int = 0\n check positive: n >= 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade on update cascade\n amount: int\n check positive: amount >= 0\n rls off }",
        ],
    ),
    (
        "a view over both",
        [
            "entity carts { id: int key\n note: text?\n n: int = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n rls off }
view sums as $$ select c.id, c.n, l.amount from carts c join lines l on l.cart_id = c.id $$",
            "entity carts { id: int key\n note: text?\n n: bigint = 0\n rls off }
entity lines { id: int key identity\n cart_id -> carts on delete cascade\n amount: int\n more: text?\n rls off }
view sums as $$ select c.id, c.n, l.amount, l.more from carts c join lines l on l.cart_id = c.id $$",
        ],
    ),
];

/// Carts of one client: nobody else writes them, so that clients never wait for each other.
fn cart(client: i32, turn: i32) -> i32 {
    1 + client + 8 * (turn * 7919 % 250).abs()
}

/// Child first: a row, and then what it refers to.
fn inserts(client: i32, turn: i32) -> Vec<String> {
    let cart = cart(client, turn);
    vec![
        "begin".into(),
        format!("insert into lines (cart_id, amount) values ({cart}, {})", turn % 50),
        format!("update carts set n = n + 1 where id = {cart}"),
        "commit".into(),
    ]
}

/// Parent first, and what refers to it.
fn deletes(client: i32, turn: i32) -> Vec<String> {
    let cart = cart(client, turn);
    vec![
        "begin".into(),
        format!("update carts set note = 'turn {turn}' where id = {cart}"),
        format!("delete from lines where cart_id = {cart}"),
        format!("delete from carts where id = {cart}"),
        "commit".into(),
        format!("insert into carts (id) values ({cart})"),
        format!("insert into lines (cart_id, amount) values ({cart}, 1), ({cart}, 2)"),
    ]
}

fn reads(client: i32, turn: i32) -> Vec<String> {
    let cart = cart(client, turn);
    let [carts, lines] = [
        format!("select * from carts where id = {cart}"),
        format!("select * from lines where cart_id = {cart} limit 20"),
    ];
    let join = format!("select * from lines l join carts c on c.id = l.cart_id where c.id = {cart} limit 20");
    match turn % 2 {
        0 => vec!["begin".into(), carts, lines, join, "commit".into()],
        _ => vec!["begin".into(), lines, carts, join, "commit".into()],
    }
}

const ROWS: &str = "insert into carts (id) select n from generate_series(1, 2010) n;
insert into lines (cart_id, amount) select 1 + n % 2000, n % 50 from generate_series(1, 8000) n";

/// How a change ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// All files, and all of it back.
    Back,
    /// The files up to this one in a hundred, and back from there.
    Abandoned(usize),
}

/// What clients saw on the way there, and on the way back.
fn change(major: u32, specs: [&str; 2], end: End) -> Result<(Seen, Seen), String> {
    let [from, to] = specs.map(given);
    let way = Way::empty(&from, &to, major);
    let files = way.files(&from.catalog, way.consent()).map_err(|error| error.to_string())?;
    let of = |is: &dyn Fn(&str) -> bool| -> Vec<File> {
        let mut found: Vec<_> = files
            .iter()
            .filter(|file| is(&file.path))
            .map(|file| File { path: file.path.clone(), text: file.contents.clone() })
            .collect();
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    };
    let ups = of(&|path| path.contains("migrations/") && path.ends_with(".sql"));
    let migrations = Migrations::new(ups, of(&|path| path.contains("/down/"))).map_err(|error| error.to_string())?;
    let migrations = migrations.with_abandons(of(&|path| path.contains("/abandon/")));
    let db = shared(major).empty_database().map_err(|error| error.to_string())?;
    let mut session = db.connect().map_err(|error| error.to_string())?;
    load_sql(&mut session, &script(&from.catalog)?).map_err(|error| error.to_string())?;
    load_sql(&mut session, ROWS).map_err(|error| error.to_string())?;
    load_sql(&mut session, "vacuum analyze").map_err(|error| error.to_string())?;
    let stamps: Vec<_> = migrations.all.iter().map(|migration| migration.stamp.clone()).collect();
    let none = Migrations::default();
    let run = |migrations: &Migrations, options: Options| {
        let options = Options { allow_data_loss: true, wait: Duration::from_secs(20), ..options };
        specc_runner::apply(&|| db.connect(), migrations, &options, &mut |_| Ok(()), &|_| {})
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let clients = [inserts as fn(i32, i32) -> Vec<String>, deletes, reads, reads];
    // The journal is made before anybody measures.
    run(&none, Options::default())?;
    let apply = |options: Options| run(&migrations, options);
    let last = match end {
        End::Back => stamps.len() - 1,
        End::Abandoned(at) => at * stamps.len() / 100,
    };
    let to = Some(stamps[last].clone());
    let (done, there) = while_busy(&db, &clients, || {
        std::thread::sleep(Duration::from_millis(50));
        apply(Options { to, ..Options::default() })
    });
    done?;
    let (done, back) = while_busy(&db, &clients, || {
        std::thread::sleep(Duration::from_millis(50));
        match end {
            End::Abandoned(_) if last + 1 < stamps.len() => apply(Options { abandon: true, ..Options::default() }),
            _ => apply(Options { down_to: Some("0".into()), ..Options::default() }),
        }
    });
    done?;
    Ok((there, back))
}

/// What is wrong with what they saw.
fn wrong(seen: &Seen, longest: Duration) -> Vec<String> {
    let mut wrong = seen.errors.clone();
    if seen.deadlocks > 0 {
        wrong.push(format!("{} transactions of clients were taken back", seen.deadlocks));
    }
    if seen.longest.0 > longest {
        wrong.push(format!("a client waited {} ms: {}", seen.longest.0.as_millis(), seen.longest.1));
    }
    if seen.written < 20 {
        wrong.push(format!("only {} turns of clients", seen.written));
    }
    wrong
}

/// A machine that does much else keeps clients waiting too; whoever stood behind a lock that is waited for would wait longer.
#[test]
fn who_works_across_a_reference_is_not_taken_back() {
    for (number, (name, specs)) in KINDS.iter().enumerate() {
        let (major, end) = ([15, 18][number % 2], [End::Back, End::Abandoned(50)][number / 2 % 2]);
        let (there, back) = change(major, *specs, end).unwrap_or_else(|error| panic!("{name} on {major}: {error}"));
        let found = [wrong(&there, Duration::from_secs(1)), wrong(&back, Duration::from_secs(2))].concat();
        assert!(found.is_empty(), "{name} on {major}, {end:?}:\n{}", found.join("\n"));
    }
}

/// `RUNS=100 cargo test -p specc-tests --test all -- --ignored --nocapture across_references`: nobody is taken back and nobody
/// waits longer than a tenth of a second on the way there, however often it is done. The way back may write all rows.
#[test]
#[ignore = "the long run: minutes"]
#[expect(clippy::print_stdout, reason = "figures of a long run")]
fn many_changes_across_references() {
    let runs: usize = std::env::var("RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(100);
    let limit = std::env::var("LIMIT").ok().and_then(|limit| limit.parse().ok()).unwrap_or(100);
    let mut found = Vec::new();
    for run in 0..runs {
        let (name, specs) = KINDS[run % KINDS.len()];
        let major = [15, 18][run / KINDS.len() % 2];
        let end = match run / KINDS.len() / 2 % 3 {
            0 => End::Back,
            at => End::Abandoned(at * 37 + run % 20),
        };
        let (there, back) = change(major, specs, end).unwrap_or_else(|error| panic!("{name} on {major}: {error}"));
        let ms = |seen: &Seen| seen.longest.0.as_millis();
        println!(
            "{run}: {name} on {major}, {end:?}: {} and {} turns, {} and {} deadlocks, at most {} and {} ms ({} / {})",
            there.written,
            back.written,
            there.deadlocks,
            back.deadlocks,
            ms(&there),
            ms(&back),
            there.longest.1,
            back.longest.1
        );
        let wrong =
            wrong(&there, Duration::from_millis(limit)).into_iter().chain(wrong(&back, Duration::from_secs(60)));
        found.extend(wrong.map(|what| format!("run {run}, {name} on {major}, {end:?}: {what}")));
    }
    assert!(found.is_empty(), "{} findings in {runs} runs\n{}", found.len(), found.join("\n"));
}
