// Asks three questions of a served lake with openapi-fetch, whose types openapi-typescript makes of the document.
//
// Argument: the address of the server. Writes the answers as JSON.

import createClient from "openapi-fetch";

const client = createClient({ baseUrl: process.argv[2] });
const counted = await client.GET("/aggregates", {
  params: { query: { group_by: ["category"], not_category: ["Graffiti"], limit: 5 } },
});
const incidents = await client.POST("/incidents", { body: { not_category: ["Graffiti"], limit: 3 } });
const resources = await client.GET("/resources");
const wrong = await client.GET("/aggregates", { params: { query: { group_by: ["category"], start_time: "yesterday" } } });
console.log(
  JSON.stringify({
    counted: counted.data,
    incidents: incidents.data,
    landed: resources.data.filter((resource) => resource.landed).map((resource) => resource.name),
    wrong: ["Problem", wrong.error.parameter],
  }),
);
