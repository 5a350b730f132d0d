set lock_timeout = '3s';

create policy own on notes for select using (owner_id = auth.uid());
create policy members on notes for update to authenticated
  using (org_id in (select org_id from members where user_id = auth.uid()))
  with check (current_setting('app.tenant') = tenant and (select auth.jwt() ->> 'role') = 'admin');
