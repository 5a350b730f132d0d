use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

const ROWS: &str = "
insert into auth.users (id, email) values ({ana}, 'ana@example.com'), ({ben}, 'ben@example.com'), ({root}, 'root@example.com'), ({eve}, 'eve@example.com');
insert into public.user_profiles (user_id, full_name) values ({ana}, 'Ana'), ({ben}, 'Ben');
insert into public.user_profiles (user_id, full_name, role) values ({root}, 'Root', 'admin');
insert into public.automations (id, slug, title, description, category, published, tags) values
  ({bills}, 'bills', 'Bills', 'x', 'finance', true, array['money']), ({leads}, 'leads', 'Leads', 'x', 'sales', true, array['money']), ({secret}, 'secret', 'Secret', 'x', 'sales', false, array['money']);
insert into public.automation_tools (automation_id, name) values ({bills}, 'Mail'), ({secret}, 'Spy');
insert into public.implementation_steps (id, automation_id, step_number, title, instructions) values ({connect}, {bills}, 1, 'Connect', 'x'), ({hide}, {secret}, 1, 'Hide', 'x');
insert into public.step_media (step_id, url, caption) values ({connect}, 'https://example.com/1', 'Shown'), ({hide}, 'https://example.com/2', 'Hidden');
insert into public.questionnaire_sessions (id, user_id, current_step, status, completed_at) values ({anas}, {ana}, 1, 'in_progress', null), ({done}, {ana}, 2, 'completed', now()), ({bens}, {ben}, 3, 'in_progress', null);
insert into public.questionnaire_responses (session_id, question_key, answer) values ({anas}, 'size', '1'), ({done}, 'goal', '2'), ({bens}, 'team', '3');
insert into public.weekly_discoveries (id, user_id, week_of, summary) values ({weeka}, {ana}, '2026-01-05', 'Anas'), ({weekb}, {ben}, '2026-01-05', 'Bens');
insert into public.discovered_automations (discovery_id, automation_id, reason) values ({weeka}, {bills}, 'Forana'), ({weekb}, {bills}, 'Forben');
insert into public.user_automations (id, user_id, automation_id, notes) values ({anabills}, {ana}, {bills}, 'Annabills'), ({benbills}, {ben}, {bills}, 'Benbills');
insert into public.automation_progress (user_automation_id, step_id, notes) values ({anabills}, {connect}, 'Anastep'), ({benbills}, {connect}, 'Benstep');
insert into public.subscriptions (user_id, tier) values ({ana}, 'pro'), ({ben}, 'free');
insert into public.usage_metrics (user_id, metric, period_start, amount) values ({ana}, 'ai_messages', '2026-01-01', 42), ({ben}, 'ai_messages', '2026-01-01', 7);
";

/// Ana and Ben are users, Root is an admin, Eve has an account and no profile.
const PEOPLE: [Who; 5] = [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("root"), Who::User("eve")];

#[test]
fn people_and_questionnaires() {
    with_rows("automation_platform", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select full_name from public.user_profiles", ["42501", "Ana", "Ben", "Ana Ben Root", "-"]),
            ("insert into public.user_profiles (user_id, full_name) values ({eve}, 'Eve')", ["42501", "42501", "42501", "1", "1"]),
            ("insert into public.user_profiles (user_id, full_name, role) values ({eve}, 'Eve', 'admin')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.user_profiles set goals = array['rest']", ["42501", "1", "1", "3", "0"]),
            ("update public.user_profiles set role = 'admin' where full_name = 'Ana'", ["42501", "42501", "0", "1", "0"]),
            ("update public.user_profiles set role = 'admin', full_name = 'X'", ["42501", "42501", "42501", "3", "0"]),
            ("update public.user_profiles set user_id = {eve} where full_name = 'Ana'", ["42501", "23514", "0", "23514", "0"]),
            ("insert into public.user_profiles (user_id, full_name) values ({ana}, 'A') on conflict (user_id) do update set role = 'admin'", ["42501", "42501", "42501", "1", "42501"]),
            ("delete from public.user_profiles where full_name = 'Ana'", ["42501", "0", "0", "1", "0"]),

            ("select current_step from public.questionnaire_sessions", ["42501", "1 2", "3", "1 2 3", "-"]),
            ("insert into public.questionnaire_sessions (user_id) values ({ana})", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.questionnaire_sessions (user_id, status, completed_at) values ({ana}, 'completed', now())", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.questionnaire_sessions set current_step = 4", ["42501", "2", "1", "3", "0"]),
            ("update public.questionnaire_sessions set user_id = {ben}", ["42501", "23514", "1", "23514", "0"]),
            ("delete from public.questionnaire_sessions", ["42501", "2", "1", "3", "0"]),

            ("select question_key from public.questionnaire_responses", ["42501", "goal size", "team", "goal size team", "-"]),
            ("insert into public.questionnaire_responses (session_id, question_key, answer) values ({anas}, 'new', '1')", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.questionnaire_responses (session_id, question_key, answer) values ({done}, 'new', '1')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.questionnaire_responses set answer = '9'", ["42501", "1", "1", "3", "0"]),
            ("delete from public.questionnaire_responses", ["42501", "0", "0", "3", "0"]),
        ]);
    });
}

#[test]
fn the_library() {
    with_rows("automation_platform", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select title from public.automations", ["Bills Leads", "=", "=", "Bills Leads Secret", "Bills Leads"]),
            ("select title from public.automations_with_tags(array['money'])", ["Bills Leads", "=", "=", "=", "="]),
            ("select title from public.similar_automations(array_fill(0::real, array[1536])::extensions.vector)", ["-", "=", "=", "=", "="]),
            ("insert into public.automations (slug, title, description, category) values ('new', 'New', 'x', 'x')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.automations set published = true", ["42501", "0", "0", "3", "0"]),
            ("delete from public.automations where slug = 'leads'", ["42501", "0", "0", "1", "0"]),

            ("select name from public.automation_tools", ["Mail", "=", "=", "Mail Spy", "Mail"]),
            ("insert into public.automation_tools (automation_id, name) values ({bills}, 'New')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.automation_tools set required = false", ["42501", "0", "0", "2", "0"]),
            ("delete from public.automation_tools", ["42501", "0", "0", "2", "0"]),

            ("select title from public.implementation_steps", ["Connect", "=", "=", "Connect Hide", "Connect"]),
            ("insert into public.implementation_steps (automation_id, step_number, title, instructions) values ({bills}, 2, 'New', 'x')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.implementation_steps set minutes = 1", ["42501", "0", "0", "2", "0"]),
            ("delete from public.implementation_steps", ["42501", "0", "0", "2", "0"]),

            ("select caption from public.step_media", ["Shown", "=", "=", "Hidden Shown", "Shown"]),
            ("insert into public.step_media (step_id, url, position) values ({connect}, 'https://example.com', 2)", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.step_media set caption = ''", ["42501", "0", "0", "2", "0"]),
            ("delete from public.step_media", ["42501", "0", "0", "2", "0"]),
        ]);
    });
}

#[test]
fn discoveries_progress_and_billing() {
    with_rows("automation_platform", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select summary from public.weekly_discoveries", ["42501", "Anas", "Bens", "Anas Bens", "-"]),
            ("insert into public.weekly_discoveries (user_id, week_of) values ({ana}, '2026-01-12')", ["42501", "=", "=", "=", "="]),
            ("update public.weekly_discoveries set status = 'viewed'", ["42501", "1", "1", "0", "0"]),
            ("update public.weekly_discoveries set status = 'sent'", ["42501", "42501", "42501", "0", "0"]),
            ("update public.weekly_discoveries set summary = 'x'", ["42501", "=", "=", "=", "="]),
            ("delete from public.weekly_discoveries", ["42501", "=", "=", "=", "="]),

            ("select reason from public.discovered_automations", ["42501", "Forana", "Forben", "Forana Forben", "-"]),
            ("insert into public.discovered_automations (discovery_id, automation_id, reason) values ({weeka}, {leads}, 'x')", ["42501", "=", "=", "=", "="]),
            ("update public.discovered_automations set feedback = 'liked'", ["42501", "1", "1", "0", "0"]),
            ("update public.discovered_automations set relevance_score = 1", ["42501", "=", "=", "=", "="]),
            ("delete from public.discovered_automations", ["42501", "=", "=", "=", "="]),

            ("select notes from public.user_automations", ["42501", "Annabills", "Benbills", "Annabills Benbills", "-"]),
            ("select title from public.my_progress", ["42501", "Bills", "Bills", "-", "-"]),
            ("insert into public.user_automations (user_id, automation_id) values ({ana}, {leads})", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.user_automations (user_id, automation_id) values ({ana}, {secret})", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.user_automations set rating = 5", ["42501", "1", "1", "2", "0"]),
            ("update public.user_automations set user_id = {ben} where notes = 'Annabills'", ["42501", "23514", "0", "23514", "0"]),
            ("delete from public.user_automations", ["42501", "1", "1", "2", "0"]),

            ("select notes from public.automation_progress", ["42501", "Anastep", "Benstep", "Anastep Benstep", "-"]),
            ("insert into public.automation_progress (user_automation_id, step_id) values ({anabills}, {hide})", ["42501", "1", "42501", "1", "42501"]),
            ("update public.automation_progress set minutes_spent = 1", ["42501", "1", "1", "2", "0"]),
            ("update public.automation_progress set user_automation_id = {benbills} where notes = 'Anastep'", ["42501", "23514", "0", "23514", "0"]),
            ("delete from public.automation_progress", ["42501", "1", "1", "2", "0"]),

            ("select tier from public.subscriptions", ["42501", "pro", "free", "free pro", "-"]),
            ("insert into public.subscriptions (user_id, tier, status) values ({ana}, 'team', 'canceled')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.subscriptions set tier = 'team'", ["42501", "0", "0", "2", "0"]),
            ("delete from public.subscriptions", ["42501", "0", "0", "2", "0"]),

            ("select amount from public.usage_metrics", ["42501", "42", "7", "42 7", "-"]),
            ("insert into public.usage_metrics (user_id, metric, period_start) values ({ana}, 'discoveries', '2026-01-01')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.usage_metrics set amount = 0", ["42501", "0", "0", "2", "0"]),
            ("delete from public.usage_metrics", ["42501", "0", "0", "2", "0"]),
        ]);
    });
}
