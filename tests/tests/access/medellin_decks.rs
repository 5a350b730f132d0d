use super::medellin_people::PEOPLE_ROWS;
use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

/// Ana's deck has Ben as editor, Carla as commenter and Diego as reader, and one that she deleted. Fay made one in her
/// startup, where Gil only looks on, and published another.
const ROWS: &str = "
insert into public.startups (id, name, industry) values ({acme}, 'Acme', 'fintech');
insert into public.startup_members (startup_id, user_id, role) values ({acme}, {fay}, 'owner'), ({acme}, {gil}, 'viewer');
insert into public.deck_templates (name, category, slides, published) values ('Hidden', 'x', '[]', false);
insert into public.pitch_decks (id, user_id, startup_id, title, published) values ({deck}, {ana}, null, 'Deck', false),
  ({team}, {fay}, {acme}, 'Team', false), ({open}, {fay}, null, 'Open', true), ({gone}, {ana}, null, 'Gone', true);
insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values
  ({deck}, {ben}, 'editor', {ana}), ({deck}, {carla}, 'commenter', {ana}), ({deck}, {diego}, 'reader', {ana});
insert into public.deck_slides (id, deck_id, slide_order, slide_type) values ({first}, {deck}, 1, 'title'), ({second}, {team}, 1, 'team'),
  ({third}, {open}, 1, 'ask'), ({fourth}, {gone}, 1, 'market');
insert into public.deck_versions (deck_id, version_number, content, note, created_by) values
  ({deck}, 1, '{\"title\": \"Deck\", \"slides\": []}', 'Deck', {ana}), ({team}, 1, '{}', 'Team', {fay}), ({open}, 1, '{}', 'Open', {fay}), ({gone}, 1, '{}', 'Gone', {ana});
insert into public.deck_comments (id, deck_id, user_id, comment) values ({hers}, {deck}, {carla}, 'Carla'), ({his}, {team}, {gil}, 'Gil');
insert into public.deck_exports (deck_id, user_id, format) values ({deck}, {diego}, 'pdf'), ({team}, {gil}, 'pptx');
insert into public.deck_views (deck_id, user_id, seconds_spent) values ({deck}, {diego}, 1), ({open}, {ana}, 2), ({team}, {gil}, 3);
delete from public.pitch_decks where id = {gone};
";

const PEOPLE: [Who; 8] = [
    Who::Anon,
    Who::User("ana"),
    Who::User("ben"),
    Who::User("carla"),
    Who::User("diego"),
    Who::User("fay"),
    Who::User("gil"),
    Who::User("root"),
];

#[test]
fn templates_and_decks() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select name from public.deck_templates", ["Fintech Seed round", "=", "=", "=", "=", "=", "=", "Fintech Hidden Seed round"]),
            ("insert into public.deck_templates (name, category, slides) values ('New', 'x', '[]')", ["42501", "42501", "42501", "42501", "42501", "42501", "42501", "1"]),
            ("update public.deck_templates set published = true", ["42501", "0", "0", "0", "0", "0", "0", "3"]),
            ("delete from public.deck_templates", ["42501", "0", "0", "0", "0", "0", "0", "3"]),

            ("select title from public.pitch_decks", ["42501", "Deck Open", "Deck Open", "Deck Open", "Deck Open", "Open Team", "Open Team", "Deck Open Team"]),
            ("select title from public.active_pitch_decks", ["42501", "Deck Open", "Deck Open", "Deck Open", "Deck Open", "Open Team", "Open Team", "Deck Open Team"]),
            ("insert into public.pitch_decks (user_id, title) values ({ana}, 'New')", ["42501", "1", "42501", "42501", "42501", "42501", "42501", "42501"]),
            // into a startup, by who works for it
            ("insert into public.pitch_decks (user_id, startup_id, title) values ({fay}, {acme}, 'New')", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("insert into public.pitch_decks (user_id, startup_id, title) values ({ana}, {acme}, 'New')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.pitch_decks (user_id, startup_id, title) values ({gil}, {acme}, 'New')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.pitch_decks set title = 'x'", ["42501", "1", "1", "0", "0", "2", "0", "0"]),
            ("update public.pitch_decks set user_id = {ben} where title = 'Deck'", ["42501", "23514", "23514", "0", "0", "0", "0", "0"]),
            ("update public.pitch_decks set startup_id = {acme} where title = 'Deck'", ["42501", "23514", "23514", "0", "0", "0", "0", "0"]),
            ("update public.pitch_decks set deleted_at = now()", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.pitch_decks set deleted_at = null where title = 'Gone'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.pitch_decks where id = {nothing}", ["42501", "0", "0", "0", "0", "0", "0", "0"]),

            ("select role from public.deck_collaborators", ["42501", "commenter editor reader", "=", "=", "=", "-", "-", "-"]),
            ("insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({deck}, {gil}, 'reader', {ana})", ["42501", "1", "42501", "42501", "42501", "42501", "42501", "42501"]),
            // an editor brings in nobody, and nobody brings in themselves
            ("insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({deck}, {gil}, 'reader', {ben})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({deck}, {gil}, 'editor', {gil})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({team}, {gil}, 'editor', {fay})", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("update public.deck_collaborators set role = 'editor'", ["42501", "3", "0", "0", "0", "0", "0", "0"]),
            ("update public.deck_collaborators set deck_id = {team}", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_collaborators", ["42501", "3", "1", "1", "1", "0", "0", "0"]),
        ]);
    });
}

/// A delete by somebody who may hides the row; it is no row touched, so this looks.
#[test]
fn deleting_a_deck_hides_it() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        for (name, deleted) in [("ben", "-"), ("gil", "-"), ("root", "-"), ("ana", "Deck"), ("fay", "Open Team")] {
            let who = Who::User(name);
            specc_postgres::as_user_commit(owner, who.role(), &who.claims(), |tx| tx.batch_execute("delete from public.pitch_decks")).unwrap();
            let gone = format!("select title from public.pitch_decks where deleted_by = {{{name}}}");
            assert_eq!(Who::Service.tries(owner, &[specc_tests::sql(&gone)]), [deleted], "{name}");
        }
        // what belongs to a hidden deck is hidden with it, except what people wrote or did themselves
        matrix(owner, [Who::User("ana"), Who::User("ben"), Who::User("carla"), Who::User("fay")], &[
            ("select id::text from public.deck_slides", ["-", "=", "=", "="]),
            ("select role from public.deck_collaborators", ["-", "=", "=", "="]),
            ("select note from public.deck_versions", ["-", "=", "=", "="]),
            ("select comment from public.deck_comments", ["-", "=", "=", "="]),
            ("select kind from public.deck_events", ["-", "=", "=", "="]),
            ("insert into public.deck_slides (deck_id, slide_order) values ({deck}, 9)", ["42501", "=", "=", "="]),
            ("insert into public.deck_comments (deck_id, user_id, comment) values ({deck}, {carla}, 'x')", ["42501", "=", "=", "="]),
        ]);
    });
}

#[test]
fn slides_and_versions() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select slide_type from public.deck_slides", ["42501", "ask title", "ask title", "ask title", "ask title", "ask team", "ask team", "ask"]),
            ("insert into public.deck_slides (deck_id, slide_order) values ({deck}, 2)", ["42501", "1", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_slides (deck_id, slide_order) values ({team}, 2)", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("insert into public.deck_slides (deck_id, slide_order) values ({open}, 2)", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("update public.deck_slides set metadata = '{\"a\": 1}'", ["42501", "1", "1", "0", "0", "2", "0", "0"]),
            ("update public.deck_slides set deck_id = {open} where slide_type = 'title'", ["42501", "23514", "23514", "0", "0", "0", "0", "0"]),
            ("delete from public.deck_slides", ["42501", "1", "1", "0", "0", "2", "0", "0"]),

            ("select note from public.deck_versions", ["42501", "Deck", "Deck", "Deck", "Deck", "Open Team", "Team", "-"]),
            ("insert into public.deck_versions (deck_id, version_number, content, created_by) values ({deck}, 2, '{}', {ben})", ["42501", "42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_versions (deck_id, version_number, content, created_by) values ({deck}, 2, '{}', {carla})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.deck_versions set note = 'x'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_versions", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("select public.save_deck_version({deck})", ["42501", "2", "2", "42501", "42501", "42501", "42501", "42501"]),
            ("select public.restore_deck_version({deck}, 1)", ["42501", "2", "2", "42501", "42501", "P0002", "P0002", "P0002"]),
            ("select change from public.deck_version_diff({deck}, 1, 1)", ["42501", "-", "-", "-", "-", "-", "-", "-"]),
        ]);
    });
}

#[test]
fn comments_exports_and_views() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select comment from public.deck_comments", ["42501", "Carla", "Carla", "Carla", "Carla", "Gil", "Gil", "-"]),
            ("insert into public.deck_comments (deck_id, user_id, comment) values ({deck}, {ben}, 'x')", ["42501", "42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_comments (deck_id, user_id, comment) values ({deck}, {carla}, 'x')", ["42501", "42501", "42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_comments (deck_id, user_id, comment) values ({deck}, {diego}, 'x')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_comments (deck_id, user_id, comment) values ({team}, {gil}, 'x')", ["42501", "42501", "42501", "42501", "42501", "42501", "1", "42501"]),
            // who may read a published deck is not in its team
            ("insert into public.deck_comments (deck_id, user_id, comment) values ({open}, {ana}, 'x')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            // an answer to a comment on another deck
            ("insert into public.deck_comments (deck_id, user_id, comment, parent_id) values ({deck}, {carla}, 'x', {his})", ["42501", "42501", "42501", "23503", "42501", "42501", "42501", "42501"]),
            ("update public.deck_comments set comment = 'x'", ["42501", "0", "0", "1", "0", "0", "1", "0"]),
            ("update public.deck_comments set resolved = true", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_comments", ["42501", "0", "0", "1", "0", "0", "1", "0"]),
            // a void is the empty word
            ("select public.resolve_comment({hers})::text", ["42501", "", "", "", "42501", "42501", "42501", "42501"]),

            ("select format from public.deck_exports", ["42501", "pdf", "pdf", "-", "pdf", "pptx", "pptx", "-"]),
            ("insert into public.deck_exports (deck_id, user_id, format) values ({deck}, {carla}, 'pdf')", ["42501", "42501", "42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_exports (deck_id, user_id, format) values ({team}, {carla}, 'pdf')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_exports (deck_id, user_id, format) values ({open}, {carla}, 'pdf')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_exports (deck_id, user_id, file_path) values ({deck}, {carla}, 'x')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.deck_exports set file_path = 'x'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_exports", ["42501", "=", "=", "=", "=", "=", "=", "="]),

            ("select seconds_spent from public.deck_views", ["42501", "1.0 2.0", "1.0", "-", "1.0", "2.0 3.0", "3.0", "-"]),
            ("insert into public.deck_views (deck_id, user_id, seconds_spent) values ({deck}, {carla}, 1)", ["42501", "42501", "42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_views (deck_id, user_id, seconds_spent) values ({open}, {carla}, 1)", ["42501", "42501", "42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.deck_views (deck_id, user_id, seconds_spent) values ({team}, {carla}, 1)", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_views (deck_id, user_id, seconds_spent) values ({gone}, {carla}, 1)", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.deck_views (deck_id, user_id, viewed_at) values ({deck}, {carla}, '2000-01-01')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.deck_views set seconds_spent = 9", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_views", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("select views from public.deck_analytics", ["42501", "1 1", "1", "-", "1", "1 1", "1", "-"]),
            ("select views from public.slide_analytics", ["42501", "-", "-", "-", "-", "-", "-", "-"]),
        ]);
    });
}

#[test]
fn the_stream_and_what_it_adds_up_to() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select kind from public.deck_events where kind = 'deck_created'", ["42501", "deck_created", "=", "=", "=", "deck_created deck_created", "deck_created", "-"]),
            ("insert into public.deck_events (deck_id, kind) values ({deck}, 'deck_changed')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.deck_events set kind = 'deck_changed'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_events", ["42501", "=", "=", "=", "=", "=", "=", "="]),

            ("select slides_added from public.deck_activity", ["42501", "1", "1", "1", "1", "1 1", "1", "-"]),
            ("insert into public.deck_activity (deck_id, last_event_at) values ({deck}, now())", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.deck_activity set events = 0", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.deck_activity", ["42501", "=", "=", "=", "=", "=", "=", "="]),
        ]);
    });
}

/// Who leaves a startup leaves the decks that they wrote for it behind, and keeps their own.
#[test]
fn a_startups_deck_stays_with_it() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        let leave = "insert into public.startup_members (startup_id, user_id, role) values ({acme}, {ana}, 'owner');
                     delete from public.startup_members where user_id = {fay}";
        owner.batch_execute(&specc_tests::sql(leave)).unwrap();
        matrix(owner, [Who::User("fay"), Who::User("ana")], &[
            ("select title from public.pitch_decks where id in ({team}, {open})", ["Open", "Open Team"]),
            ("update public.pitch_decks set title = 'Mine' where id in ({team}, {open})", ["1", "1"]),
            ("delete from public.pitch_decks where id = {team}", ["0", "0"]),
            ("insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({team}, {ben}, 'editor', {fay})", ["42501", "="]),
            ("insert into public.deck_collaborators (deck_id, user_id, role, invited_by) values ({open}, {ben}, 'editor', {fay})", ["1", "42501"]),
            ("select note from public.deck_versions where deck_id = {team}", ["-", "Team"]),
            ("update public.deck_slides set metadata = '[]' where deck_id = {team}", ["0", "1"]),
            ("select count(*) from public.deck_comments where deck_id = {team}", ["0", "1"]),
            ("insert into storage.objects (bucket_id, name) values ('pitch_decks', {team} || '/new.pdf')", ["42501", "1"]),
        ]);
    });
}
