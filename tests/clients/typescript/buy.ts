// Buys something at a running demo shop and follows the parcel: node built/buy.js URL
//
// Every path, body and answer is checked by the compiler against schema.d.ts, which is generated
// from docs/api/openapi3.json. No `any`, and no cast over what was generated.
import { randomUUID } from "node:crypto";
import createClient, { type Client, type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Shop = Client<paths>;
type Refusal = components["schemas"]["Error"];
type Order = components["schemas"]["Order"];
type Answer<Body> = { data?: { data: Body }; error?: Refusal; response: Response };

const PASSWORD = "demo-shop-2026"; // of every account of the demo shop

class Refused extends Error {
  constructor(
    readonly refusal: Refusal,
    readonly status: number,
  ) {
    super(`${status} ${refusal.code}: ${refusal.message}`);
  }
}

/** Return the payload of a success; a refusal is thrown with its code. */
async function payload<Body>(answer: Promise<Answer<Body>>): Promise<Body> {
  const { data, error, response } = await answer;
  if (data !== undefined) return data.data;
  if (error !== undefined) throw new Refused(error, response.status);
  throw new Error(`${response.status} without a body`);
}

/** Return the refusal of what the shop must not do. */
async function refusal<Body>(answer: Promise<Answer<Body>>): Promise<Refused> {
  const { error, response } = await answer;
  if (error === undefined) throw new Error(`${response.url} should have been refused`);
  return new Refused(error, response.status);
}

function present<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw new Error(`${name} is missing`);
  return value;
}

function expect<T>(actual: T, wanted: T, name: string): void {
  if (actual !== wanted) throw new Error(`${name} is ${String(actual)}, not ${String(wanted)}`);
}

async function signIn(baseUrl: string, username: string): Promise<Shop> {
  const shop = createClient<paths>({ baseUrl });
  const { access, user } = await payload(
    shop.POST("/api/accounts/login/", { body: { username, password: PASSWORD } }),
  );
  expect(user.username, username, "the name of the account");
  const bearer: Middleware = {
    onRequest({ request }) {
      request.headers.set("Authorization", `Bearer ${access}`);
      return request;
    },
  };
  shop.use(bearer);
  return shop;
}

async function register(stranger: Shop): Promise<void> {
  const email = `${randomUUID()}@example.com`;
  const body = { email, password: "a long and winding road", first_name: "", last_name: "" };
  const account = await payload(stranger.POST("/api/accounts/register/", { body }));
  expect(account.email, email, "the address of the new account");
}

async function chooseVariant(stranger: Shop): Promise<number> {
  const { results } = await payload(
    stranger.GET("/api/catalog/products/", { params: { query: { in_stock: "true" } } }),
  );
  const { slug } = present(results[0], "the first product");
  const product = await payload(
    stranger.GET("/api/catalog/products/{id}/", { params: { path: { id: slug } } }),
  );
  const variant = present(product.variants?.find((one) => one.in_stock), "a variant in stock");
  return present(variant.id, "its id");
}

async function place(customer: Shop, variantId: number): Promise<Order> {
  const cart = await payload(
    customer.POST("/api/cart/", { body: { variant_id: variantId, quantity: 1 } }),
  );
  expect(cart.items.length, 1, "the number of lines in the cart");
  return payload(
    customer.POST("/api/orders/", {
      params: { header: { "Idempotency-Key": randomUUID() } },
      body: { expected_total: cart.total },
    }),
  );
}

async function pay(customer: Shop, number: string): Promise<void> {
  const declined = await refusal(
    customer.POST("/api/payments/", {
      body: { order_id: number, payment_method: "pm_card_chargeDeclined" },
    }),
  );
  expect(declined.status, 409, "the status of a declined card");
  expect(declined.refusal.code, "card_declined", "its code");
  const payment = await payload(
    customer.POST("/api/payments/", {
      params: { header: { "Idempotency-Key": randomUUID() } },
      body: { order_id: number, payment_method: "pm_card_visa" },
    }),
  );
  expect(payment.status, "succeeded", "the payment");
}

async function ship(manager: Shop, number: string): Promise<string> {
  await payload(
    manager.PATCH("/api/orders/{name}/", {
      params: { path: { name: number } },
      body: { status: "processing" },
    }),
  );
  const parcel = await payload(
    manager.POST("/api/shipping/shipments/", { body: { order: number, carrier: "Royal Mail" } }),
  );
  expect(parcel.status, "packed", "the parcel");
  const sent = await payload(
    manager.PATCH("/api/shipping/shipments/{id}/", {
      params: { path: { id: parcel.id } },
      body: { status: "shipped" },
    }),
  );
  return sent.tracking_number;
}

/** What a storefront would tell its customer, by code; the compiler knows every code there is. */
function explain({ refusal }: Refused): string {
  switch (refusal.code) {
    case "cart_empty":
      return "There is nothing in the cart.";
    case "insufficient_stock":
      return `There are only ${String(refusal.params?.["available"])} left.`;
    default:
      return refusal.message;
  }
}

async function main(baseUrl: string): Promise<void> {
  const stranger = createClient<paths>({ baseUrl });
  await register(stranger);
  const customer = await signIn(baseUrl, "customer");
  const manager = await signIn(baseUrl, "manager");

  const number = present((await place(customer, await chooseVariant(stranger))).number, "number");
  const again = await refusal(customer.POST("/api/orders/", { body: {} }));
  expect(again.status, 409, "the status of an order of nothing");
  expect(explain(again), "There is nothing in the cart.", "what the customer is told");

  await pay(customer, number);
  const tracking_number = await ship(manager, number);
  const parcel = await payload(
    stranger.GET("/api/shipping/track/{tracking_number}/", { params: { path: { tracking_number } } }),
  );
  expect(parcel.status, "shipped", "the parcel, as anybody may follow it");
  const order = await payload(
    customer.GET("/api/orders/{name}/", { params: { path: { name: number } } }),
  );
  expect(order.status, "shipped", "the order");
  console.log(JSON.stringify({ number, status: order.status, tracking_number, total: order.total }));
}

await main(present(process.argv[2], "the shop's address"));
