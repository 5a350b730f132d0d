use super::medellin_people::PEOPLE_ROWS;
use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

/// Ana owns Acme, Ben is an admin of it, Carla a member and Diego a viewer; Fay owns Globex, a tenant of its own; Gil is
/// invited to both, by an invitation to Globex that is too old.
const ROWS: &str = "
insert into public.startups (id, name, industry) values ({acme}, 'Acme', 'fintech'), ({globex}, 'Globex', 'health');
insert into public.startup_members (startup_id, user_id, role) values ({acme}, {ana}, 'owner'), ({acme}, {ben}, 'admin'),
  ({acme}, {carla}, 'member'), ({acme}, {diego}, 'viewer'), ({globex}, {fay}, 'owner');
insert into public.startup_invitations (startup_id, email, role, invited_by, token, expires_at) values
  ({acme}, 'gil@example.com', 'member', {ana}, {fresh}, now() + interval '1 day'), ({globex}, 'gil@example.com', 'viewer', {fay}, {old}, now() - interval '1 day');
insert into public.startup_metrics (startup_id, metric_date, revenue) values ({acme}, current_date - 1, 10), ({globex}, current_date - 1, 20);
insert into public.startup_documents (id, startup_id, filename, file_path, category, confidential, uploaded_by) values
  ({plan}, {acme}, 'Plan', {acme} || '/' || {plan} || '/plan.pdf', 'product', false, {ana}), ({cap}, {acme}, 'Cap', {acme} || '/' || {cap} || '/cap.pdf', 'legal', true, {ana}),
  ({trial}, {globex}, 'Trial', {globex} || '/' || {trial} || '/trial.pdf', 'product', false, {fay});
insert into public.document_accesses (startup_id, document_id, user_id, filename) values ({acme}, {plan}, {carla}, 'Plan'), ({globex}, {trial}, {fay}, 'Trial');
insert into public.startup_milestones (startup_id, title, target_date) values ({acme}, 'Ship', current_date), ({globex}, 'Grow', current_date);
select public.refresh_startup_dashboards();
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
fn startups_and_their_people() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select name from public.startups", ["42501", "Acme", "Acme", "Acme", "Acme", "Globex", "-", "Acme Globex"]),
            // only by found_startup(), so that none is without an owner
            ("insert into public.startups (name, industry) values ('New', 'x')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("select public.found_startup('New', 'x') is not null", ["42501", "true", "true", "true", "true", "true", "true", "true"]),
            ("update public.startups set website = 'https://example.com'", ["42501", "1", "1", "0", "0", "1", "0", "0"]),
            ("update public.startups set team_size = 100", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.startups", ["42501", "=", "=", "=", "=", "=", "=", "="]),

            ("select role from public.startup_members", ["42501", "admin member owner viewer", "=", "=", "=", "owner", "-", "admin member owner owner viewer"]),
            ("insert into public.startup_members (startup_id, user_id) values ({acme}, {gil})", ["42501", "1", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_members (startup_id, user_id, role) values ({acme}, {gil}, 'viewer')", ["42501", "1", "1", "42501", "42501", "42501", "42501", "42501"]),
            // an admin makes no admins, and nobody lets themselves in
            ("insert into public.startup_members (startup_id, user_id, role) values ({acme}, {gil}, 'admin')", ["42501", "1", "42501", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_members (startup_id, user_id, role) values ({acme}, {gil}, 'owner')", ["42501", "1", "42501", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_members (startup_id, user_id, role) values ({globex}, {ana}, 'owner')", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("insert into public.startup_members (startup_id, user_id, role) values ({acme}, {ben}, 'owner') on conflict (startup_id, user_id) do update set role = 'owner'", ["42501", "1", "42501", "42501", "42501", "42501", "42501", "42501"]),
            ("update public.startup_members set role = 'viewer' where user_id = {carla}", ["42501", "1", "1", "0", "0", "0", "0", "0"]),
            ("update public.startup_members set role = 'admin' where user_id = {carla}", ["42501", "1", "42501", "0", "0", "0", "0", "0"]),
            ("update public.startup_members set role = 'owner' where user_id = {ben}", ["42501", "1", "0", "0", "0", "0", "0", "0"]),
            ("update public.startup_members set permissions = array['x']", ["42501", "4", "2", "0", "0", "1", "0", "0"]),
            ("update public.startup_members set startup_id = {globex}", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            // the last owner stays
            ("update public.startup_members set role = 'member' where role = 'owner'", ["42501", "23514", "0", "0", "0", "23514", "0", "0"]),
            ("delete from public.startup_members where role = 'owner'", ["42501", "23514", "0", "0", "0", "23514", "0", "0"]),
            ("delete from public.startup_members where role <> 'owner'", ["42501", "3", "3", "1", "1", "0", "0", "0"]),

            ("select distinct table_name from public.startup_audit({acme}) where table_name = 'startups'", ["42501", "startups", "-", "-", "-", "-", "-", "-"]),
        ]);
    });
}

#[test]
fn invitations() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select role from public.startup_invitations", ["42501", "member", "member", "-", "-", "viewer", "-", "member viewer"]),
            ("insert into public.startup_invitations (startup_id, email, role, invited_by) values ({acme}, 'new@example.com', 'admin', {ana})", ["42501", "1", "42501", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_invitations (startup_id, email, role, invited_by) values ({acme}, 'new@example.com', 'member', {ben})", ["42501", "42501", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_invitations (startup_id, email, role, invited_by) values ({acme}, 'new@example.com', 'admin', {ben})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.startup_invitations (startup_id, email, role, invited_by) values ({globex}, 'new@example.com', 'member', {ana})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.startup_invitations (startup_id, email, invited_by, token) values ({acme}, 'new@example.com', {ana}, {fresh})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.startup_invitations set status = 'revoked'", ["42501", "1", "1", "0", "0", "1", "0", "0"]),
            ("update public.startup_invitations set status = 'accepted'", ["42501", "42501", "42501", "0", "0", "42501", "0", "0"]),
            ("update public.startup_invitations set email = 'ana@example.com'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.startup_invitations", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            // the token alone is not enough: it was sent to an address
            ("select public.accept_invitation({fresh}) = {acme}", ["42501", "P0002", "P0002", "P0002", "P0002", "P0002", "true", "P0002"]),
            ("select public.accept_invitation({old}) = {globex}", ["42501", "P0002", "=", "=", "=", "=", "=", "="]),
        ]);
    });
}

/// Each tenant sees and writes its own rows, as far as the role in it goes.
#[test]
fn what_a_startup_keeps() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        matrix(owner, PEOPLE, &[
            ("select revenue from public.startup_metrics", ["42501", "10.00", "10.00", "10.00", "10.00", "20.00", "-", "10.00 20.00"]),
            ("insert into public.startup_metrics (startup_id, metric_date) values ({acme}, current_date)", ["42501", "1", "1", "42501", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_metrics (startup_id, metric_date) values ({globex}, current_date)", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("insert into public.startup_metrics (startup_id, metric_date) values ({acme}, current_date + 1)", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.startup_metrics set users = 1", ["42501", "1", "1", "0", "0", "1", "0", "0"]),
            ("update public.startup_metrics set metric_date = current_date + 1", ["42501", "42501", "42501", "0", "0", "42501", "0", "0"]),
            ("update public.startup_metrics set startup_id = {globex} where revenue = 10", ["42501", "23514", "23514", "0", "0", "0", "0", "0"]),
            ("delete from public.startup_metrics", ["42501", "1", "0", "0", "0", "1", "0", "0"]),

            ("select filename from public.startup_documents", ["42501", "Cap Plan", "Cap Plan", "Plan", "Plan", "Trial", "-", "Cap Plan Trial"]),
            // the path is given by a function that writes down who asked
            ("select file_path from public.startup_documents", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("select storage.filename(public.open_startup_document({plan}))", ["42501", "plan.pdf", "plan.pdf", "plan.pdf", "plan.pdf", "P0002", "P0002", "P0002"]),
            ("select storage.filename(public.open_startup_document({cap}))", ["42501", "cap.pdf", "cap.pdf", "P0002", "P0002", "P0002", "P0002", "P0002"]),
            ("insert into public.startup_documents (id, startup_id, filename, file_path, category, uploaded_by) values ({newdoc}, {acme}, 'New', {acme} || '/' || {newdoc} || '/new.pdf', 'product', {carla})", ["42501", "42501", "42501", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_documents (id, startup_id, filename, file_path, category, uploaded_by) values ({newdoc}, {acme}, 'New', {acme} || '/' || {newdoc} || '/new.pdf', 'product', {diego})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("insert into public.startup_documents (id, startup_id, filename, file_path, category, uploaded_by) values ({newdoc}, {acme}, 'New', {globex} || '/' || {newdoc} || '/trial.csv', 'product', {carla})", ["42501", "42501", "42501", "23514", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_documents (id, startup_id, filename, file_path, category, uploaded_by, confidential) values ({newdoc}, {acme}, 'New', {acme} || '/' || {newdoc} || '/new.pdf', 'product', {carla}, false)", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            // a path cannot be guessed, so a conflict tells nothing; and none leaves its folder
            ("insert into public.startup_documents (id, startup_id, filename, file_path, category, uploaded_by) values ({newdoc}, {acme}, 'New', {acme} || '/' || {cap} || '/cap.pdf', 'product', {carla})", ["42501", "42501", "42501", "23514", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_documents (id, startup_id, filename, file_path, category, uploaded_by) values ({newdoc}, {acme}, 'New', {acme} || '/' || {newdoc} || '/../' || {cap} || '/cap.pdf', 'product', {carla})", ["42501", "42501", "42501", "23514", "42501", "42501", "42501", "42501"]),
            ("update public.startup_documents set confidential = false", ["42501", "2", "2", "0", "0", "1", "0", "0"]),
            ("update public.startup_documents set file_path = 'x'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.startup_documents", ["42501", "2", "2", "0", "0", "1", "0", "0"]),

            ("select filename from public.document_accesses", ["42501", "Plan", "Plan", "-", "-", "Trial", "-", "Plan Trial"]),
            ("insert into public.document_accesses (startup_id, document_id, user_id, filename) values ({acme}, {plan}, {ana}, 'Plan')", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.document_accesses set filename = 'x'", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.document_accesses", ["42501", "=", "=", "=", "=", "=", "=", "="]),

            ("select title from public.startup_milestones", ["42501", "Ship", "Ship", "Ship", "Ship", "Grow", "-", "Grow Ship"]),
            ("insert into public.startup_milestones (startup_id, title, target_date) values ({acme}, 'New', current_date)", ["42501", "1", "1", "1", "42501", "42501", "42501", "42501"]),
            ("insert into public.startup_milestones (startup_id, title, target_date) values ({globex}, 'New', current_date)", ["42501", "42501", "42501", "42501", "42501", "1", "42501", "42501"]),
            ("update public.startup_milestones set completed = true", ["42501", "1", "1", "1", "0", "1", "0", "0"]),
            ("update public.startup_milestones set startup_id = {globex} where title = 'Ship'", ["42501", "23514", "23514", "23514", "0", "0", "0", "0"]),
            ("delete from public.startup_milestones", ["42501", "1", "1", "1", "0", "1", "0", "0"]),

            ("select revenue_30_days from public.startup_dashboards", ["42501", "10.00", "10.00", "10.00", "10.00", "20.00", "-", "10.00 20.00"]),
            ("insert into public.startup_dashboards (startup_id) values ({acme})", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("update public.startup_dashboards set users = 1", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("delete from public.startup_dashboards", ["42501", "=", "=", "=", "=", "=", "=", "="]),
            ("select public.refresh_startup_dashboards()::text", ["42501", "=", "=", "=", "=", "=", "=", "="]),
        ]);
    });
}

/// What an invitation gives is what it says, once.
#[test]
fn an_invitation_lets_one_person_in_once() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        let gil = Who::User("gil");
        let accept = specc_tests::sql("select public.accept_invitation({fresh})");
        specc_postgres::as_user_commit(owner, gil.role(), &gil.claims(), |tx| tx.batch_execute(&accept)).unwrap();
        matrix(owner, [gil], &[
            ("select name from public.startups", ["Acme"]),
            ("select role from public.startup_members where user_id = {gil}", ["member"]),
            ("update public.startup_milestones set completed = true", ["1"]),
            ("select filename from public.startup_documents", ["Plan"]),
            ("select public.accept_invitation({fresh})::text", ["P0002"]),
        ]);
    });
}

/// An invitation is worth what its sender is worth when it is answered.
#[test]
fn an_invitation_goes_with_the_right_to_invite() {
    with_rows("medellin_spark", &[PEOPLE_ROWS, ROWS].concat(), |owner| {
        owner.batch_execute(&specc_tests::sql("
            insert into public.startup_invitations (startup_id, email, role, invited_by, token) values
              ({acme}, 'root@example.com', 'member', {ben}, {bens}), ({globex}, 'root@example.com', 'admin', {ben}, {forged})")).unwrap();
        let root = [Who::User("root")];
        matrix(owner, root, &[
            ("select count(public.accept_invitation({bens}))", ["1"]),
            // Ben never managed Globex
            ("select count(public.accept_invitation({forged}))", ["P0002"]),
        ]);
        owner.batch_execute(&specc_tests::sql("update public.startup_members set role = 'member' where user_id = {ben}")).unwrap();
        matrix(owner, root, &[("select count(public.accept_invitation({bens}))", ["P0002"])]);
        owner.batch_execute(&specc_tests::sql("delete from public.startup_members where user_id = {ben}")).unwrap();
        matrix(owner, root, &[("select count(public.accept_invitation({bens}))", ["P0002"])]);
    });
}
