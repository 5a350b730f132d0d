use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

/// Everybody of the platform. Ana and Ben are public, Diego is not; Root is an admin; Eve has an account and no profile.
pub const PEOPLE_ROWS: &str = "
insert into auth.users (id, email) values ({ana}, 'ana@example.com'), ({ben}, 'ben@example.com'), ({carla}, 'carla@example.com'),
  ({diego}, 'diego@example.com'), ({fay}, 'fay@example.com'), ({gil}, 'gil@example.com'), ({root}, 'root@example.com'), ({eve}, 'eve@example.com');
insert into public.profiles (id, full_name, is_public, role) values ({ana}, 'Ana', true, 'member'), ({ben}, 'Ben', true, 'member'),
  ({carla}, 'Carla', true, 'member'), ({diego}, 'Diego', false, 'member'), ({fay}, 'Fay', false, 'member'), ({gil}, 'Gil', false, 'member'), ({root}, 'Root', false, 'admin');
";

#[test]
fn people() {
    let rows = format!(
        "{PEOPLE_ROWS}
         insert into public.profile_contacts (profile_id, email) values ({{ana}}, 'ana@example.com'), ({{diego}}, 'diego@example.com');
         insert into public.notifications (recipient_id, kind, dedupe_key) values ({{ana}}, 'reminder', 'a'), ({{ben}}, 'reminder', 'b');"
    );
    let people = [Who::Anon, Who::User("ana"), Who::User("diego"), Who::User("root"), Who::User("eve")];
    with_rows("medellin_spark", &rows, |owner| {
        matrix(owner, people, &[
            ("select full_name from public.profiles", ["Ana Ben Carla", "=", "Ana Ben Carla Diego", "Ana Ben Carla Diego Fay Gil Root", "Ana Ben Carla"]),
            ("insert into public.profiles (id, full_name) values ({eve}, 'Eve')", ["42501", "42501", "42501", "42501", "1"]),
            ("insert into public.profiles (id, full_name, role) values ({eve}, 'Eve', 'admin')", ["42501", "=", "=", "=", "="]),
            ("update public.profiles set headline = 'Me'", ["42501", "1", "1", "7", "0"]),
            ("update public.profiles set role = 'admin' where full_name = 'Ana'", ["42501", "42501", "0", "1", "0"]),
            ("update public.profiles set role = 'admin', is_public = true where full_name = 'Diego'", ["42501", "0", "42501", "1", "0"]),
            ("update public.profiles set id = {eve} where full_name = 'Ana'", ["42501", "23514", "0", "23514", "0"]),
            ("insert into public.profiles (id, full_name) values ({ana}, 'A') on conflict (id) do update set role = 'admin'", ["42501", "=", "=", "=", "="]),
            ("delete from public.profiles", ["42501", "=", "=", "=", "="]),

            ("select email from public.profile_contacts", ["42501", "ana@example.com", "diego@example.com", "ana@example.com diego@example.com", "-"]),
            ("insert into public.profile_contacts (profile_id, email) values ({ben}, 'ben@example.com')", ["42501", "=", "=", "=", "="]),
            ("update public.profile_contacts set newsletter = true", ["42501", "1", "1", "0", "0"]),
            ("update public.profile_contacts set profile_id = {ben} where email = 'ana@example.com'", ["42501", "23514", "0", "0", "0"]),
            ("delete from public.profile_contacts", ["42501", "1", "1", "0", "0"]),

            ("select dedupe_key from public.notifications", ["42501", "a", "-", "-", "-"]),
            ("insert into public.notifications (recipient_id, kind, dedupe_key) values ({ana}, 'reminder', 'c')", ["42501", "=", "=", "=", "="]),
            ("update public.notifications set read_at = now()", ["42501", "1", "0", "0", "0"]),
            ("update public.notifications set payload = '{}'", ["42501", "=", "=", "=", "="]),
            ("delete from public.notifications", ["42501", "=", "=", "=", "="]),

            ("select count(*) > 0 from public.audit_log", ["42501", "false", "false", "true", "false"]),
            ("insert into public.audit_log default values", ["42501", "=", "=", "=", "="]),
            ("update public.audit_log set action = 'INSERT'", ["42501", "=", "=", "=", "="]),
            ("delete from public.audit_log", ["42501", "=", "=", "=", "="]),
        ]);
        matrix(owner, [Who::User("ben")], &[
            ("insert into public.profile_contacts (profile_id, email) values ({ben}, 'ben@example.com')", ["1"]),
            // that somebody has this address is nobody's business
            ("insert into public.profile_contacts (profile_id, email) values ({ben}, 'ANA@example.com')", ["1"]),
        ]);
    });
}

#[test]
fn read_models_of_the_platform() {
    let rows = format!(
        "{PEOPLE_ROWS}
         insert into public.daily_metrics (day, new_profiles) values ('2026-01-01', 3);
         refresh materialized view public.monthly_platform;"
    );
    let people = [Who::Anon, Who::User("ana"), Who::User("root"), Who::Service];
    with_rows("medellin_spark", &rows, |owner| {
        matrix(owner, people, &[
            ("select new_profiles from public.daily_metrics", ["42501", "-", "3", "3"]),
            ("insert into public.daily_metrics (day) values ('2026-01-02')", ["42501", "42501", "42501", "1"]),
            ("update public.daily_metrics set decks = 1", ["42501", "42501", "42501", "1"]),
            ("delete from public.daily_metrics", ["42501", "42501", "42501", "1"]),
            ("select new_profiles from public.monthly_platform", ["42501", "42501", "42501", "3"]),
            ("select new_profiles from public.platform_by_month()", ["42501", "-", "3", "-"]),
            ("select public.roll_up_day(current_date)::text", ["42501", "42501", "42501", "-"]),
            ("select private.viewer_id()::text", ["42501", "=", "=", "="]),
        ]);
    });
}
