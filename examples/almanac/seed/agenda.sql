-- A view for people who look into the database by hand; the program does not need it.
CREATE VIEW agenda AS
SELECT appointments.id,
       appointments.starts,
       appointments.ends,
       appointments.title,
       people.name AS person,
       places.name AS place
  FROM appointments
  JOIN people ON people.id = appointments.person_id
  LEFT JOIN places ON places.id = appointments.place_id
 WHERE people.active;
