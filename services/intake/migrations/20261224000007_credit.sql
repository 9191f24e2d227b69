-- Prepaid meters say when their credit is used up and when it is there again (operations.md O16): triage reads it first.
alter table evidence drop constraint evidence_kind_known;
alter table evidence add constraint evidence_kind_known check (kind in ('call', 'last_gasp', 'ping_off', 'ping_on',
    'scada_open', 'scada_closed', 'relay_open', 'relay_closed', 'restored', 'credit_out', 'credit_in')) not valid;
alter table evidence validate constraint evidence_kind_known;
alter table report drop constraint report_triage_known;
alter table report add constraint report_triage_known check (triage in ('new', 'known_outage', 'undetermined', 'customer_side', 'cut',
    'own_request', 'left', 'prepaid')) not valid;
alter table report validate constraint report_triage_known;

-- What each prepaid meter said last of its credit.
create table credit (
    load_id text constraint credit_pk primary key,
    used_up boolean not null,
    at timestamptz not null
);
create index credit_used_up on credit (load_id) where used_up;
