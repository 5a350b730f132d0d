//! What is never called proven: what blocks of SQL and functions with their owner's rights do beside the rules.

use specc_model::{Model, Options, RuleAction, Target};
use specc_prove::{Answer, Asking, Verdict};
use specc_tests::replay::model_of;

const SPEC: &str = r"
viewer -> profiles

entity profiles {
  id:   uuid  key
  name: text

  policy {
    everyone: allow select  to authenticated
  }
}

entity notes {
  id:      uuid = gen_random_uuid()  key
  owner_id -> profiles               on delete cascade immutable
  text:    text
  shared:  boolean  generated (text = 'public')
  opened:  int = count(keys where kind = 'public')

  policy {
    own:    allow select, insert  to authenticated  when owner_id = viewer
    shared: allow select          to authenticated  when shared
    opened: allow select          to authenticated  when opened > 0
  }
}

entity keys {
  id:       bigint  key identity
  note_id -> notes  on delete cascade immutable
  kind:     text

  policy {
    own: allow select, insert  to authenticated  when note.owner_id = viewer
  }
}

entity cards {
  id: int  key
  n:  int = 0

  policy {
    everyone: allow select  to authenticated
  }
}

promise 'notes are not for everybody' on notes {
  deny select  to anon
}

promise 'cards stay as they are' on cards {
  deny update
  deny delete
}

function found() -> setof notes stable as $$ select * from public.notes where false $$
function shown() -> setof notes stable security definer to authenticated as $$ select * from public.found() $$
";

fn spec(more: &str) -> Model {
    let options = Options { target: Target::Supabase, ..Options::default() };
    model_of(&[("spec.dbspec".to_owned(), format!("{SPEC}{more}"))], options).0
}

fn block(text: &str) -> String {
    format!("\nsql more\n  depends on notes\n  $$ {text} $$\n  down $$ select 1 $$\n")
}

/// The verdict about a promise, by what is claimed.
fn promised(model: &Model, claim: &str) -> Verdict {
    let found = specc_prove::prove(model);
    found.into_iter().find(|finding| finding.claim.contains(claim)).unwrap_or_else(|| panic!("{claim}")).verdict
}

fn said(model: &Model) -> Vec<String> {
    specc_prove::asides(model).into_iter().map(|aside| aside.text).collect()
}

#[test]
fn what_a_block_of_sql_opens_is_not_proven() {
    let anon = |model: &Model| {
        let entity = model.entities.iter().find(|entity| entity.name.name == "notes").unwrap().id;
        let asking =
            Asking { role: "anon".into(), command: RuleAction::Select, entity, columns: Vec::new(), condition: None };
        specc_prove::answers(model, &[asking]).remove(0)
    };
    let notes = "`anon` never reads rows of `notes`";
    let opens = [
        "create policy everyone on public.notes for select to anon using (true)",
        "drop policy own_select on notes",
        "grant select on table public.cards, public.notes to anon",
        "alter table only public.notes disable row level security",
        "alter table public.notes owner to authenticated",
        "grant select on all tables in schema public to anon",
        "do $x$ begin execute 'grant select on public.' || 'notes to anon'; end $x$",
    ];
    for text in opens {
        let model = spec(&block(text));
        let verdict = promised(&model, notes);
        assert!(matches!(verdict, Verdict::OutOfFragment { .. }), "{text}: {verdict:?}");
        assert!(matches!(anon(&model), Answer::Unknown(_)), "{text}");
        assert!(said(&model).iter().any(|text| text.contains("sql block `more`")), "{text}");
    }
    let others = [
        "comment on table public.notes is 'grant all on public.notes to anon'",
        "grant usage on schema public to anon",
        "do $x$ begin perform 1; end $x$",
        "alter table public.notes set (fillfactor = 70)",
        "create policy everyone on public.elsewhere for select using (true)",
    ];
    for text in others {
        let model = spec(&block(text));
        let verdict = promised(&model, notes);
        assert!(matches!(verdict, Verdict::Proven { .. }), "{text}: {verdict:?}");
        assert_eq!(anon(&model), Answer::Never, "{text}");
    }
}

#[test]
fn what_a_function_of_a_trigger_does_past_the_rules_is_not_proven() {
    let with = |rights: &str, body: &str| {
        spec(&format!(
            "\nfunction count_notes() -> trigger {rights}language plpgsql as $$ begin {body}; return null; end $$\n\
             trigger count_notes on notes after insert execute count_notes()\n"
        ))
    };
    let (updates, deletes) =
        ("`authenticated` never updates rows of `cards`", "`authenticated` never deletes rows of `cards`");
    let model = with("security definer ", "update public.cards set n = n + 1");
    assert!(matches!(promised(&model, updates), Verdict::OutOfFragment { .. }));
    assert!(matches!(promised(&model, deletes), Verdict::Proven { .. }));
    assert!(said(&model).iter().any(|text| text.contains("`count_notes`") && text.contains("changes rows of `cards`")));
    let model = with("security definer ", "delete from public.cards");
    assert!(matches!(promised(&model, updates), Verdict::Proven { .. }));
    assert!(matches!(promised(&model, deletes), Verdict::OutOfFragment { .. }));
    let model = with("security definer ", "execute 'update public.cards set n = 1'");
    assert!(said(&model).iter().any(|text| text.contains("`count_notes`")));
    // With the rights of who asks, the rules are asked; and what it changes nothing needs no word.
    for model in [with("", "update public.cards set n = n + 1"), with("security definer ", "perform 1")] {
        assert!(matches!(promised(&model, updates), Verdict::Proven { .. }));
        assert!(!said(&model).iter().any(|text| text.contains("`count_notes`")));
    }
}

#[test]
fn what_rules_ask_for_and_is_computed_otherwise_is_said_not_to_be_compared() {
    let trigger = |body: &str| {
        format!(
            "\nfunction tell() -> trigger security definer language plpgsql as $$ begin {body}; return null; end $$\n\
             trigger tell on notes after insert execute tell()\n"
        )
    };
    let old = spec(&trigger("perform 1"));
    let later = |from: &str, to: &str, body: &str| {
        let text = SPEC.replace(from, to) + &trigger(body);
        let options = Options { target: Target::Supabase, ..Options::default() };
        specc_prove::compare(&old, &model_of(&[("spec.dbspec".to_owned(), text)], options).0).left_out
    };
    let same = later("", "", "perform 1");
    assert!(same.is_empty(), "{same:?}");
    let changes = [
        (later("text = 'public'", "text <> ''", "perform 1"), "`shared` of `notes`"),
        (later("keys where kind = 'public'", "keys", "perform 1"), "`opened` of `notes`"),
        (later(" where false", "", "perform 1"), "calls `found`"),
        (later("", "", "delete from public.cards"), "function `tell`"),
    ];
    for (left_out, what) in changes {
        assert!(left_out.len() == 1 && left_out[0].contains(what), "{what}: {left_out:?}");
    }
}
