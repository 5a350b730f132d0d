//! Sizes: what the spec says, and what follows from it where it says nothing.

use specc_model::{Model, Options};
use specc_size::{Sizes, Skew, Values, statistics::statistics};
use specc_tests::replay::model_of;

const SPEC: &str = "
enum event_status { draft, published, cancelled }
entity accounts { id: uuid key, rls off }
entity profiles { id -> accounts key, name: text, rls off }
entity events {
  id: uuid = gen_random_uuid() key
  organizer_id -> profiles
  reviewer_id -> profiles?
  no: bigint identity unique
  title: text
  note: text?
  status: event_status
  is_open: boolean
  starts_at: timestamptz
  made_at: timestamptz = now()
  use soft_delete
  rls off
}
entity registrations { id: uuid key, event_id -> events, who_id -> profiles, rls off }
entity plans { code: text key, rls off }
entity rest { id: int key, rls off }
seed base { plans a { code: 'a' }, plans b { code: 'b' } }
size profiles 10_000
size events 100_000 {
  status: published 70 %
  note: nulls 40 %, width 500
  starts_at: between ('2020-01-01', now()), correlation 0.5
  title: distinct 20_000, zipf 1.3
}
size registrations 40 per event zipf
seed dev { rest { id: 1 } }
size in dev events 50 { note: nulls 10 %, title: distinct 40 }
";

fn sizes(model: &Model, env: Option<&str>) -> Sizes {
    Sizes::of(model, &specc_lower::lower(model).0, env)
}

#[test]
fn what_is_said_and_what_follows() {
    let (model, _) = model_of(&[("a.dbspec", SPEC.to_owned())], Options::default());
    let all = sizes(&model, None);
    let rows = |sizes: &Sizes, name: &str| sizes.table("public", name).map(|table| table.rows).unwrap();
    assert_eq!(
        ["accounts", "profiles", "events", "registrations", "plans", "rest"].map(|name| rows(&all, name)),
        [10_000, 10_000, 100_000, 4_000_000, 2, 1_000]
    );
    let dev = sizes(&model, Some("dev"));
    assert_eq!(["profiles", "events", "registrations"].map(|name| rows(&dev, name)), [10_000, 50, 2_000]);

    let events = all.table("public", "events").unwrap();
    let distinct = |name: &str| events.column(name).unwrap().distinct;
    assert_eq!(
        ["id", "organizer_id", "reviewer_id", "no", "title", "note", "status", "is_open"].map(distinct),
        [100_000, 10_000, 10_000, 100_000, 20_000, 60_000, 3, 2]
    );
    let nulls = |name: &str| events.column(name).unwrap().nulls;
    assert_eq!(["id", "note", "reviewer_id", "deleted_at"].map(nulls), [0.0, 0.4, 0.1, 0.95]);
    let correlation = |name: &str| events.column(name).unwrap().correlation;
    assert_eq!(["id", "no", "made_at", "starts_at"].map(correlation), [None, Some(1.0), Some(1.0), Some(0.5)]);
    assert!(
        matches!(&events.column("organizer_id").unwrap().values, Values::Of { table, .. } if table.name == "profiles")
    );
    // A trait of an environment leaves the others as they are.
    let note = dev.table("public", "events").unwrap().column("note").unwrap();
    assert_eq!((note.nulls, note.width), (0.1, 501));
    let event = all.table("public", "registrations").unwrap().column("event_id").unwrap();
    assert_eq!((event.skew, event.distinct), (Skew::Zipf(1.0), 100_000));
}

#[test]
fn parts_of_all_values_are_all_rows() {
    let (model, _) = model_of(&[("a.dbspec", SPEC.to_owned())], Options::default());
    for table in sizes(&model, None).tables.values().filter(|table| table.rows > 1) {
        for column in &table.columns {
            let sum: f64 = column.frequencies(1, column.distinct).sum::<f64>() + column.nulls;
            assert!((sum - 1.0).abs() < 1e-3, "{}.{}: {sum}", table.name.name, column.name);
            let mut known = column.frequencies(column.shares.len() as u64 + 1, 50).take_while(|part| *part > 0.0);
            let mut before = known.next().unwrap_or(0.0);
            assert!(known.all(|part| part <= std::mem::replace(&mut before, part)), "{} is in order", column.name);
        }
    }
}

#[test]
fn statistics_are_those_of_postgres() {
    let (model, _) = model_of(&[("a.dbspec", SPEC.to_owned())], Options::default());
    let all = sizes(&model, None);
    let of = |table: &str, column: &str| {
        let table = all.table("public", table).unwrap();
        statistics(table.column(column).unwrap(), table.rows)
    };
    assert_eq!(of("events", "id").distinct, -1.0);
    assert_eq!(of("events", "note").distinct, -0.6);
    // It counts in a sample: nearly as many as there are.
    let near = |found: f64, there: f64| (found / there - 1.0).abs() < 0.03;
    assert!(near(of("events", "title").distinct, -0.2), "{:?}", of("events", "title"));
    assert!(near(of("events", "organizer_id").distinct, 10_000.0), "{:?}", of("events", "organizer_id"));
    assert!(of("events", "organizer_id").common.is_empty(), "no organizer has clearly more than another");
    let status = of("events", "status");
    assert_eq!(status.common.len(), 3);
    assert!((status.common[0] - 0.7).abs() < 1e-9 && (status.common[1] - 0.15).abs() < 1e-9 && !status.histogram);
    let event = of("registrations", "event_id");
    // So many stand out that more are kept than the usual hundred.
    assert_eq!(event.common.len(), 400);
    assert!((0.08..0.09).contains(&event.common[0]), "{:?}", event.common[0]);
    assert!((event.common[0] / event.common[9] - 10.0).abs() < 1e-6);
}
