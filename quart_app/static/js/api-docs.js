/** Shows the OpenAPI document with Swagger UI. */
import { byId } from "./dom.js";

const target = byId("swagger-ui", HTMLElement);
SwaggerUIBundle({
  domNode: target,
  url: target.dataset.url,
  deepLinking: true,
  validatorUrl: null,
});
