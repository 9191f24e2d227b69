-- A contact that notify noted as somebody else's (operations.md O15): a call to it proves nothing until the note is taken back.
create table stranger (
    note_id uuid constraint stranger_pk primary key,
    customer_id uuid not null,
    -- Of registry.
    contact_id uuid not null,
    noted_at timestamptz not null
);
create index stranger_contact on stranger (contact_id);
-- The open cases of a customer, when one of their contacts turns out to be a stranger's.
create index debt_case_customer on debt_case (customer_id) where not is_over;
