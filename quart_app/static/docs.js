// Shows the API's document with Swagger UI.
const target = document.getElementById("swagger-ui");
SwaggerUIBundle({ domNode: target, url: target.dataset.url, deepLinking: true, validatorUrl: null });
