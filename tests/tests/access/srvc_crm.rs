use crate::access::with_rows;
use specc_tests::Who;
use specc_tests::access::matrix;

const ROWS: &str = "
insert into auth.users (id, email) values ({ana}, 'ana@example.com'), ({ben}, 'ben@example.com'), ({root}, 'root@example.com'), ({sue}, 'sue@example.com');
insert into public.user_roles (user_id, role) values ({root}, 'admin'), ({sue}, 'support');
insert into public.user_subscriptions (user_id, plan_code, stripe_subscription_id) values ({ana}, 'pro', 'sub_ana'), ({ben}, 'founders', 'sub_ben');
insert into public.customers (id, user_id, name, email) values ({bakery}, {ana}, 'Bakery', 'bakery@example.com'), ({spare}, {ana}, 'Spare', null), ({garage}, {ben}, 'Garage', 'garage@example.com');
insert into public.jobs (id, user_id, customer_id, title) values ({oven}, {ana}, {bakery}, 'Oven'), ({lift}, {ben}, {garage}, 'Lift');
insert into public.quotes (id, user_id, customer_id, job_id, notes) values ({draft}, {ana}, {bakery}, {oven}, 'Draft'), ({sent}, {ana}, {bakery}, null, 'Sent'), ({bens}, {ben}, {garage}, {lift}, 'Bens');
insert into public.quote_lines (quote_id, line_number, description, unit_price) values ({draft}, 1, 'Labour', 10), ({sent}, 1, 'Parts', 20), ({bens}, 1, 'Travel', 30);
update public.quotes set status = 'sent' where id = {sent};
insert into public.invoices (id, user_id, customer_id, job_id, issued_on, due_date) values
  ({open}, {ana}, {bakery}, {oven}, current_date, current_date), ({billed}, {ana}, {bakery}, null, current_date - 20, current_date - 10), ({other}, {ben}, {garage}, {lift}, current_date, current_date);
insert into public.invoice_lines (invoice_id, line_number, description, unit_price) values ({open}, 1, 'Work', 10), ({billed}, 1, 'Spares', 20), ({other}, 1, 'Drive', 30);
insert into public.payments (invoice_id, amount, receipt_no) values ({billed}, 5, 'Five'), ({other}, 6, 'Six');
update public.invoices set status = 'sent' where id = {billed};
";

/// Ana and Ben have rows of their own; Root is an admin, Sue has a role that is no admin's.
const PEOPLE: [Who; 5] = [Who::Anon, Who::User("ana"), Who::User("ben"), Who::User("root"), Who::User("sue")];

#[test]
fn roles_and_plans() {
    with_rows("srvc_crm", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select role from public.user_roles", ["42501", "-", "-", "admin", "support"]),
            ("insert into public.user_roles (user_id, role) values ({ana}, 'admin')", ["42501", "=", "=", "=", "="]),
            ("insert into public.user_roles (user_id, role) values ({sue}, 'admin')", ["42501", "=", "=", "=", "="]),
            ("update public.user_roles set role = 'admin'", ["42501", "=", "=", "=", "="]),
            ("delete from public.user_roles", ["42501", "=", "=", "=", "="]),

            ("select code from public.subscription_plans", ["business free pro", "=", "business founders free pro", "=", "business free pro"]),
            ("insert into public.subscription_plans (code, name) values ('new', 'New')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.subscription_plans set monthly_price = 0", ["42501", "0", "0", "4", "0"]),
            ("delete from public.subscription_plans where code = 'free'", ["42501", "0", "0", "1", "0"]),

            ("select plan_code from public.user_subscriptions", ["42501", "pro", "founders", "founders pro", "-"]),
            ("insert into public.user_subscriptions (user_id, plan_code) values ({sue}, 'business')", ["42501", "=", "=", "=", "="]),
            ("update public.user_subscriptions set plan_code = 'business'", ["42501", "=", "=", "=", "="]),
            ("delete from public.user_subscriptions", ["42501", "=", "=", "=", "="]),

            ("select count(*) from public.audit_log", ["42501", "=", "=", "=", "="]),
            ("insert into public.audit_log default values", ["42501", "=", "=", "=", "="]),
            ("update public.audit_log set action = 'INSERT'", ["42501", "=", "=", "=", "="]),
            ("delete from public.audit_log", ["42501", "=", "=", "=", "="]),
        ]);
    });
}

#[test]
fn customers_jobs_and_quotes() {
    with_rows("srvc_crm", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select name from public.customers", ["42501", "Bakery Spare", "Garage", "Bakery Garage Spare", "-"]),
            ("insert into public.customers (user_id, name) values ({ana}, 'New')", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.customers (user_id, name) values ({sue}, 'New')", ["42501", "42501", "42501", "1", "1"]),
            ("insert into public.customers (user_id, name, email) values ({ben}, 'New', 'bakery@example.com')", ["42501", "42501", "1", "1", "42501"]),
            ("update public.customers set notes = 'Rings twice'", ["42501", "2", "1", "3", "0"]),
            ("update public.customers set user_id = {ben} where name = 'Spare'", ["42501", "23514", "0", "23514", "0"]),
            ("insert into public.customers (id, user_id, name) values ({spare}, {ben}, 'Mine') on conflict (id) do update set name = 'Mine'", ["42501", "42501", "42501", "1", "42501"]),
            ("delete from public.customers where name = 'Spare'", ["42501", "1", "0", "1", "0"]),

            ("select title from public.jobs", ["42501", "Oven", "Lift", "Lift Oven", "-"]),
            ("insert into public.jobs (user_id, customer_id, title) values ({ana}, {bakery}, 'New')", ["42501", "1", "42501", "1", "42501"]),
            // a job of one account at a customer of another
            ("insert into public.jobs (user_id, customer_id, title) values ({ben}, {bakery}, 'New')", ["42501", "42501", "23503", "23503", "42501"]),
            ("insert into public.jobs (user_id, customer_id, title, status) values ({ana}, {bakery}, 'New', 'completed')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.jobs set description = 'More'", ["42501", "1", "1", "2", "0"]),
            ("update public.jobs set customer_id = {bakery} where title = 'Lift'", ["42501", "0", "23503", "23503", "0"]),
            ("update public.jobs set user_id = {ana} where title = 'Lift'", ["42501", "0", "23514", "23514", "0"]),
            ("delete from public.jobs where title = 'Oven'", ["42501", "1", "0", "1", "0"]),

            ("select notes from public.quotes", ["42501", "Draft Sent", "Bens", "Bens Draft Sent", "-"]),
            ("insert into public.quotes (user_id, customer_id) values ({ana}, {bakery})", ["42501", "1", "42501", "1", "42501"]),
            ("update public.quotes set valid_until = current_date", ["42501", "2", "1", "3", "0"]),
            ("insert into public.quotes (user_id, customer_id, status) values ({ana}, {bakery}, 'accepted')", ["42501", "42501", "42501", "1", "42501"]),
            // what went out stays
            ("delete from public.quotes", ["42501", "1", "1", "3", "0"]),

            ("select description from public.quote_lines", ["42501", "Labour Parts", "Travel", "Labour Parts Travel", "-"]),
            ("insert into public.quote_lines (quote_id, line_number, description, unit_price) values ({draft}, 2, 'New', 1)", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.quote_lines (quote_id, line_number, description, unit_price) values ({sent}, 2, 'New', 1)", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.quote_lines set quantity = 2", ["42501", "1", "1", "3", "0"]),
            ("update public.quote_lines set quote_id = {bens} where description = 'Labour'", ["42501", "23514", "0", "23514", "0"]),
            ("delete from public.quote_lines", ["42501", "1", "1", "3", "0"]),
        ]);
    });
}

#[test]
fn invoices() {
    with_rows("srvc_crm", ROWS, |owner| {
        matrix(owner, PEOPLE, &[
            ("select total from public.invoices", ["42501", "10.00 20.00", "30.00", "10.00 20.00 30.00", "-"]),
            ("select balance from public.overdue_invoices", ["42501", "15.00", "-", "15.00", "-"]),
            ("insert into public.invoices (user_id, customer_id, due_date) values ({ana}, {bakery}, current_date)", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.invoices (user_id, customer_id, due_date) values ({ben}, {bakery}, current_date)", ["42501", "42501", "23503", "23503", "42501"]),
            ("insert into public.invoices (user_id, customer_id, due_date, status) values ({ana}, {bakery}, current_date, 'paid')", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.invoices set due_date = due_date + 1", ["42501", "2", "1", "3", "0"]),
            ("update public.invoices set status = 'paid' where status = 'sent'", ["42501", "1", "0", "1", "0"]),
            ("delete from public.invoices where id in ({open}, {other})", ["42501", "1", "1", "2", "0"]),
            ("delete from public.invoices where status <> 'draft'", ["42501", "0", "0", "1", "0"]),

            ("select description from public.invoice_lines", ["42501", "Spares Work", "Drive", "Drive Spares Work", "-"]),
            ("insert into public.invoice_lines (invoice_id, line_number, description, unit_price) values ({open}, 2, 'New', 1)", ["42501", "1", "42501", "1", "42501"]),
            ("insert into public.invoice_lines (invoice_id, line_number, description, unit_price) values ({billed}, 2, 'New', 1)", ["42501", "42501", "42501", "1", "42501"]),
            ("update public.invoice_lines set quantity = 2", ["42501", "1", "1", "3", "0"]),
            ("delete from public.invoice_lines", ["42501", "1", "1", "3", "0"]),

            ("select receipt_no from public.payments", ["42501", "Five", "Six", "Five Six", "-"]),
            ("insert into public.payments (invoice_id, amount) values ({billed}, 1)", ["42501", "1", "42501", "42501", "42501"]),
            ("insert into public.payments (invoice_id, amount) values ({other}, 1)", ["42501", "42501", "1", "42501", "42501"]),
            ("update public.payments set amount = 100", ["42501", "=", "=", "=", "="]),
            ("delete from public.payments", ["42501", "=", "=", "=", "="]),
        ]);
    });
}
