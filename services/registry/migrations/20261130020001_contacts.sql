-- Whose a contact is, and since when that is known (operations.md O15, O22). Who looks after a customer, and who manages
-- their house, hear of outages beside them; only the customer's own contacts hear of debts and let somebody in.
alter table contact
    add column role text not null default 'customer'
        constraint contact_role_word check (role in ('customer', 'carer', 'property_manager')),
    -- Person id, or import. Null: nobody ever asked.
    add column confirmed_at timestamptz,
    add column confirmed_by text constraint contact_confirmed_by_size check (length(confirmed_by) between 1 and 200),
    add constraint contact_confirmed_whole check ((confirmed_at is null) = (confirmed_by is null));
